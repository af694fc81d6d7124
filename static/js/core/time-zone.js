// Tells the server the browser's time zone, so that days in search are the user's own. A zone that was chosen stays.
// A cookie remembers that the server knows.

/** @param {string} userId */
export async function suggestTimeZone(userId) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const name = location.port ? `patio_zone_${location.port}` : 'patio_zone';
  const cookie = `${name}=${userId}.${timeZone}`;
  if (!timeZone || document.cookie.split('; ').includes(cookie)) return;
  const body = new URLSearchParams({ time_zone: timeZone, suggested: '1' });
  const response = await fetch('/settings/time-zone', { method: 'POST', body }).catch(() => null);
  if (!response?.ok && response?.status !== 422) return;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain HTTP
  document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax`;
}
