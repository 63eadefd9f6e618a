import { textReply } from '../http/reply.js';
import { scriptPage } from '../http/script_page.js';
import { completionOrigin } from './completion.js';
import type { Route } from './context.js';

/** Passes the result of the popup, which has this page's origin, on to the page that shows this frame. */
const relay = `
  window.addEventListener('message', function (event) {
    if (event.origin !== window.location.origin || !event.data || event.data.type !== 'LoginCompleted') return;
    window.parent.postMessage(event.data, data.origin);
  });`;

/** `GET /.auth/login/iframereceiver?completion_origin=`: the relay of `completion_type=iframe`; 400 for an origin that is not allowed. */
export const iframeReceiver: Route = (context, incoming) => {
  const origin = completionOrigin(context, incoming);
  if (origin === undefined) return textReply(400, 'The completion_origin is not allowed.');
  return scriptPage({ title: 'Sign-in relay', script: relay, data: { origin }, frameAncestor: origin });
};
