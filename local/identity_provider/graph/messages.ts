import type { User } from '../directory/types.js';

const SUBJECTS = ['Minutes of the planning meeting', 'Invoice 2041', 'Lunch on Thursday?'];

/** The same few messages for every user, addressed to that user. */
export function demoMessages(user: User): readonly object[] {
  return SUBJECTS.map((subject, index) => ({
    id: `${user.oid.slice(0, 8)}-${index + 1}`,
    subject,
    receivedDateTime: `2026-11-2${index}T08:00:00Z`,
    from: { emailAddress: { name: 'Contoso', address: 'post@contoso.test' } },
    toRecipients: [{ emailAddress: { name: user.name, address: user.email ?? user.upn } }],
  }));
}
