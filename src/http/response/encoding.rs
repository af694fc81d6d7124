//! Negotiation of the content coding (RFC 9110, section 12.5.3).

use axum::extract::Request;
use axum::http::header::ACCEPT_ENCODING;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// Returns the client's quality value for a coding, 0.0 to 1.0; 0 means that it does not accept the coding. A
/// coding that the header does not name gets the value of `*`.
pub fn quality(headers: &HeaderMap, coding: &str) -> f32 {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut wildcard = 0.0;
    for part in values.flat_map(|value| value.split(',')) {
        let mut fields = part.split(';').map(str::trim);
        let name = fields.next().unwrap_or_default();
        let weight = fields.find_map(|field| {
            let (key, value) = field.split_once('=')?;
            key.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().unwrap_or(0.0))
        });
        let weight = weight.unwrap_or(1.0).clamp(0.0, 1.0);
        if name.eq_ignore_ascii_case(coding) {
            return weight;
        }
        if name == "*" {
            wildcard = weight;
        }
    }
    wildcard
}

/// Replaces `Accept-Encoding` by one accepted coding, or by `identity`: no response is refused for its coding.
/// Pages get gzip, because a page is compressed for one user, and the best compression would cost more than
/// rendering. Assets get the best coding, because they were compressed at build time.
pub async fn choose(mut request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let codings: &[&str] = if is_asset { &["br", "gzip"] } else { &["gzip"] };
    let headers = request.headers_mut();
    let chosen = codings.iter().copied().find(|coding| quality(headers, coding) > 0.0);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(chosen.unwrap_or("identity")));
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quality_of_a_coding_is_parsed() {
        for (value, expected) in [
            ("br", 1.0),
            ("gzip, deflate, br, zstd", 1.0),
            ("BR;Q=0.5", 0.5),
            ("gzip;q=1.0 , br ; q=0.2", 0.2),
            ("br;q=0", 0.0),
            ("br;q=0.000, *", 0.0),
            ("*", 1.0),
            ("*;q=0.3", 0.3),
            ("*;q=0.3, br;q=0.9", 0.9),
            ("gzip", 0.0),
            ("brotli", 0.0),
            ("br;q=odd", 0.0),
            ("", 0.0),
        ] {
            let headers =
                HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().expect("a value"))]);
            let found = quality(&headers, "br");
            assert!((found - expected).abs() < f32::EPSILON, "{value}: {found}");
        }
        assert!(quality(&HeaderMap::new(), "br").abs() < f32::EPSILON);
    }
}
