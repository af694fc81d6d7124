// Entry: starts what the page at hand has. Every page works without any of this.
import { startChat } from './chat.js';
import { startDrawers } from './drawers.js';
import { startRegions } from './regions.js';
import { startReveal } from './reveal.js';
import { forgetUnsent } from './unsent.js';

const app = document.getElementById('app');
if (app) {
  startChat(app);
  startRegions();
}
startDrawers();
startReveal();

// Unsent text belongs to one person: it goes when they leave, and at the latest when someone signs in here.
if (document.body.classList.contains('gate')) forgetUnsent();
document.addEventListener('submit', (event) => { if (event.target.matches('form[action="/logout"]')) forgetUnsent(); });
