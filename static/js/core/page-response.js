// What came back from the server: whether it is Patio's at all (a proxy may have answered, or a hotel), whether somebody is signed in, and why something was refused.

/** Every page of ours loads our styles. */
export const isOurs = (page) => page.querySelector('link[href*="/css/app.css"]') !== null;

/** In the words of the page that came. */
export const reasonIn = (page) =>
  page.querySelector('#composer-error:not(:empty), .field__note--bad:not(:empty), .fault__card h1 + p')?.textContent ??
  '';

/** Nobody is signed in: the page to sign in came instead, or what was posted came back. */
export const isSignedOut = (answer) =>
  answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === '/login');
