//! Which content coding a client takes (RFC 9110, section 12.5.3).

use axum::extract::Request;
use axum::http::header::ACCEPT_ENCODING;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// How much a client likes a coding: 0 is not at all. What it does not name it takes only if it takes
/// everything (`*`).
pub fn quality(headers: &HeaderMap, coding: &str) -> f32 {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut by_star = 0.0;
    for part in lines.flat_map(|line| line.split(',')) {
        let mut words = part.split(';').map(str::trim);
        let name = words.next().unwrap_or_default();
        let weight = words.find_map(|word| {
            let (key, value) = word.split_once('=')?;
            key.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().unwrap_or(0.0))
        });
        let weight = weight.unwrap_or(1.0).clamp(0.0, 1.0);
        if name.eq_ignore_ascii_case(coding) {
            return weight;
        }
        if name == "*" {
            by_star = weight;
        }
    }
    by_star
}

/// What answers are packed in, the cheapest first.
const CODINGS: [&str; 2] = ["gzip", "br"];

/// Leaves one of the codings that the client takes, or none: no answer is refused for its coding. A
/// page is packed for one reader, and the smallest copy of it would cost more than making it. Assets
/// were packed when this was built, as small as can be.
pub async fn choose(mut request: Request, next: Next) -> Response {
    let asset = request.uri().path().starts_with("/assets/");
    let headers = request.headers_mut();
    let mut taken = CODINGS.into_iter().filter(|coding| quality(headers, coding) > 0.0);
    let chosen = if asset { taken.next_back() } else { taken.next() };
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(chosen.unwrap_or("identity")));
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_taken_as_much_as_the_client_likes_it() {
        for (line, expected) in [
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
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, line.parse().expect("a line"))]);
            let found = quality(&headers, "br");
            assert!((found - expected).abs() < f32::EPSILON, "{line}: {found}");
        }
        assert!(quality(&HeaderMap::new(), "br").abs() < f32::EPSILON);
    }
}
