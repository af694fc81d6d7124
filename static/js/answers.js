// What came back from the server: whether it is Patio's at all (a proxy may have answered, or a hotel), and why something was refused.

/** Every page of ours loads our styles. */
export const isOurs = (page) => page.querySelector('link[href*="/css/app.css"]') !== null;

/** In the words of the page that came. */
export const reasonIn = (page) => page.querySelector('#composer-error:not(:empty), .field__note--bad:not(:empty), .fault__card h1 + p')?.textContent ?? '';
