// Entry: starts what the page at hand has. Every page works without any of this.
import { forgetAllOutboxes } from './outbox.js';
import { startReveal } from './reveal.js';
import { startRoom } from './room.js';

const app = document.getElementById('app');
if (app) startRoom(app);
startReveal();

// Unsent text belongs to one person: it goes when they leave, and at the latest when someone signs in here.
if (document.body.classList.contains('gate')) forgetAllOutboxes();
document.querySelector('form[action="/logout"]')?.addEventListener('submit', forgetAllOutboxes);
