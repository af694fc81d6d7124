// The registration while it is filled in: whether name and address are free, and whether the repeated password is the same. It only tells; the server decides.
import { createNote } from './field-note.js';

const PAUSE = 400;
const PLAUSIBLE = { name: /^..+$/u, email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/u };

function watchAvailability(input, praise) {
  const say = createNote(input);
  let asked = input.value;
  let running = null;
  let timer = 0;

  async function ask() {
    clearTimeout(timer);
    const { name, value } = input;
    if (value === asked || !PLAUSIBLE[name].test(value.trim())) return;
    asked = value;
    running = new AbortController();
    const { signal } = running;
    try {
      const answer = await fetch(`/register/available?${new URLSearchParams({ [name]: value })}`, { signal });
      if (answer.ok) say((await answer.json()).complaint, praise); // else asked too often: the form will tell
    } catch {
      // Typed on meanwhile, or no connection.
    }
  }

  input.addEventListener('input', () => {
    running?.abort();
    asked = null;
    say(''); // what was said was about another text
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  input.addEventListener('blur', ask);
}

function watchRepetition({ password, password_confirmation: again }, complaint) {
  const say = createNote(again);
  let timer = 0;

  function compare() {
    clearTimeout(timer);
    say(again.value && again.value !== password.value ? complaint : '');
  }

  function compareSoon() {
    clearTimeout(timer);
    // Who is still repeating it has not made a mistake yet.
    if (password.value.startsWith(again.value)) say('');
    else timer = setTimeout(compare, PAUSE);
  }

  for (const input of [password, again]) {
    input.addEventListener('input', compareSoon);
    input.addEventListener('blur', () => {
      if (again.value) compare();
    });
  }
}

export function startRegistering() {
  const form = document.getElementById('register');
  if (!form) return;
  for (const name of Object.keys(PLAUSIBLE)) watchAvailability(form.elements[name], form.dataset.available);
  watchRepetition(form.elements, form.dataset.differs);
}
