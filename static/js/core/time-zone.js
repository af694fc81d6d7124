// Tells the server where this browser is, so that days in search are the reader's. A zone that was chosen stays. A cookie remembers that it was told.
export async function suggestZone(me) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const name = location.port ? `patio_zone_${location.port}` : 'patio_zone';
  const told = `${name}=${me}.${timeZone}`;
  if (!timeZone || document.cookie.split('; ').includes(told)) return;
  const body = new URLSearchParams({ time_zone: timeZone, suggested: '1' });
  const answer = await fetch('/settings/time-zone', { method: 'POST', body }).catch(() => null);
  if (answer?.ok || answer?.status === 422) document.cookie = `${told}; path=/; max-age=31536000; samesite=lax`;
}
