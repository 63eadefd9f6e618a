import { scriptPage } from '../http/script_page.js';
import type { Route } from './context.js';
import { failedWith, loginTexts } from './login_texts.js';

/** The fragment is anybody's to write, so of `#error=` only texts of ours are shown; it stays in the address for clients that read it there. */
const showError = `
  var error = new URLSearchParams(window.location.hash.slice(1)).get('error');
  if (error === null) return;
  var known = data.texts.indexOf(error) >= 0 || (error.indexOf(data.before) === 0 && /^[\\w.-]{1,64}\\.$/.test(error.slice(data.before.length)));
  var page = window.document;
  page.title = page.querySelector('h1').textContent = 'Sign-in failed';
  page.querySelector('p').textContent = known ? error : data.texts[0];`;

const before = failedWith('').slice(0, -1);

/** `GET /.auth/login/done`: where a sign-in without a target ends; after a failed one in token mode it says what failed. */
export const loginDone: Route = () =>
  scriptPage({
    title: 'Signed in',
    script: showError,
    data: { texts: Object.values(loginTexts), before },
    body: '<main><h1>Signed in</h1><p>You can close this window.</p><a href="/">Go to the website</a></main>',
  });
