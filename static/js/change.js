// A change of a message is a form of the message's own page. The answer to it is that page again, and in it the message as it is now.
import { isOurs, reasonIn } from './answers.js';
import { parse } from './fragment.js';

async function read(request) {
  let answer, page;
  try {
    answer = await request;
    page = parse(await answer.text());
  } catch {
    throw new Refused('');
  }
  if (!isOurs(page)) throw new Refused('');
  if (!answer.ok) throw new Refused(reasonIn(page));
  return page;
}

/** `message` is what the server says; empty if it could not be reached. */
export class Refused extends Error {}

/** Posts one of the page's forms; `what` is `edit`, `delete` or `reactions`. */
export async function change(id, what, fields) {
  // It goes out even if its reader leaves the page with it.
  const page = await read(fetch(`/messages/${Number(id)}/${what}`, { method: 'POST', body: new URLSearchParams(fields), keepalive: what === 'delete' }));
  const article = page.querySelector(`#m${Number(id)}`);
  if (!article) location.reload(); // signed out meanwhile
  return article;
}

/** The form to edit a message, with its text as it was written. */
export async function editForm(id) {
  const form = (await read(fetch(`/messages/${Number(id)}`))).querySelector('.edit');
  if (!form) throw new Refused('');
  return form;
}
