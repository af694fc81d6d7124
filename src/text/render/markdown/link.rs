//! Where a link with a text of its own may lead, and what its text must not hide.

use url::Url;

use crate::text::links::links;

/// Whether a link may lead there: to the web or to a mailbox.
pub(super) fn is_target(target: &str) -> bool {
    let begins_with = |scheme: &str| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let is_mail = begins_with("mailto:") && target.contains('@');
    (is_mail || begins_with("https://") || begins_with("http://")) && Url::parse(target).is_ok()
}

/// The host of the target, if the text looks like an address of another one.
pub(super) fn misleading_host(text: &str, target: &str) -> Option<String> {
    let host = host(target)?;
    let other =
        |link: crate::text::links::Link| self::host(&link.href).is_some_and(|shown| shown != host);
    links(text).into_iter().any(other).then_some(host)
}

/// The host of an address, or the mailbox.
fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    match url.host_str() {
        Some(host) => Some(host.trim_start_matches("www.").to_owned()),
        None => Some(url.path().to_owned()),
    }
}
