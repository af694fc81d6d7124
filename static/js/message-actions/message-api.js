// A change of a message is a form of the message's own page. The answer to it is that page again, and in it the message as it is now.

import { parse } from '../core/html-fragment.js';
import { isOurs, isSignedOut, reasonIn } from '../core/page-response.js';

/** How long an answer is waited for: a line may go mute without a word. */
const patience = () => Number(document.getElementById('app')?.dataset.patience ?? 15_000);

/** `message` is what the server says; empty if it could not be reached. */
export class Refused extends Error {}

/** There is no session any more. */
export class SignedOut extends Refused {}

async function read(address, options) {
  let answer, page;
  try {
    answer = await fetch(address, { ...options, signal: AbortSignal.timeout(patience()) });
    page = parse(await answer.text());
  } catch {
    throw new Refused('');
  }
  if (!isOurs(page)) throw new Refused('');
  if (isSignedOut(answer)) throw new SignedOut('');
  if (!answer.ok) throw new Refused(reasonIn(page));
  return page;
}

/** Posts one of the page's forms; `what` is `edit`, `delete` or `reactions`. Answers with the message as it is now, and never with nothing: what was typed is given up for that alone. */
export async function change(id, what, fields) {
  // It goes out even if its reader leaves the page with it.
  const page = await read(`/messages/${Number(id)}/${what}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    keepalive: what === 'delete',
  });
  const article = page.querySelector(`#m${Number(id)}`);
  if (!article) throw new Refused('');
  return article;
}

/** The form to edit a message, with its text as it was written. */
export async function editForm(id) {
  const form = (await read(`/messages/${Number(id)}`)).querySelector('.edit');
  if (!form) throw new Refused('');
  return form;
}
