// Entry: starts what the page at hand has. Every page works without any of this.
import { startChat } from './chat.js';
import { startDrawers } from './drawers.js';
import { startRegions } from './regions.js';
import { startRegistering } from './registering.js';
import { startReveal } from './reveal.js';
import { startSearch } from './search.js';
import { startSwitcher } from './switcher.js';
import { localisePage } from './times.js';
import { forgetUnsent } from './unsent.js';

const app = document.getElementById('app');
const go = app ? startChat(app) : (address) => location.assign(address);
if (app) startRegions();
else localisePage(document);
startDrawers();
startReveal();
startRegistering();
startSwitcher(go);
startSearch();

// Unsent text belongs to one person: it goes when they leave, and at the latest when someone signs in here.
if (document.body.classList.contains('gate')) forgetUnsent();
document.addEventListener('submit', (event) => { if (event.target.matches('form[action="/logout"]')) forgetUnsent(); });
