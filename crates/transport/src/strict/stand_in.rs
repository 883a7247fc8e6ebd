//! The request that hyper sees in place of a refused one. The judge lets no sender use its method, so what arrives with
//! it comes from the guard.

use hookgate_domain::RefusalCode;
use hyper::Request;

use super::head::STAND_IN;

/// A well-formed request that names `code` in its path. Heads are refused with these three codes only.
pub(super) const fn request(code: RefusalCode) -> &'static [u8] {
    match code {
        RefusalCode::HeadersTooLarge => {
            b"REFUSED /HEADERS_TOO_LARGE HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n"
        }
        RefusalCode::RequestTimeout => {
            b"REFUSED /REQUEST_TIMEOUT HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n"
        }
        _ => b"REFUSED /BAD_REQUEST HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n",
    }
}

/// The code that a stand-in carries, or `None` for a sender's own request.
pub(crate) fn refusal_of<B>(request: &Request<B>) -> Option<RefusalCode> {
    if request.method().as_str() != STAND_IN {
        return None;
    }
    let name = request.uri().path().trim_start_matches('/');
    Some(name.parse().unwrap_or(RefusalCode::BadRequest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_names_its_code() {
        for code in [
            RefusalCode::BadRequest,
            RefusalCode::HeadersTooLarge,
            RefusalCode::RequestTimeout,
        ] {
            let text = std::str::from_utf8(request(code)).expect("ASCII");
            let mut words = text.split(' ');
            let made = Request::builder()
                .method(words.next().expect("a method"))
                .uri(words.next().expect("a path"))
                .body(())
                .expect("a request");
            assert_eq!(refusal_of(&made), Some(code));
        }
        assert_eq!(refusal_of(&Request::new(())), None);
    }
}
