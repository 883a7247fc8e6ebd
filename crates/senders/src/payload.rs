//! The parts of a request that a format reads.

/// The parts of a request that a format reads: the body, and of the head what senders tell there.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    /// The body.
    pub body: &'a [u8],
    /// The headers.
    pub headers: &'a dyn Headers,
    /// The part of the path behind the webhook's URL, without the slash between them: empty, or for example
    /// `v2/alerts/KEY/close`.
    pub path: &'a str,
    /// The query of the URL, without its question mark.
    pub query: Option<&'a str>,
    /// Most bytes of a body, also after it is decompressed.
    pub max_bytes: usize,
}

impl<'a> Payload<'a> {
    /// The payload of a `POST` to the webhook's URL itself.
    #[must_use]
    pub const fn new(body: &'a [u8], headers: &'a dyn Headers, max_bytes: usize) -> Self {
        Self {
            body,
            headers,
            path: "",
            query: None,
            max_bytes,
        }
    }

    /// The text of a header, without white space around it. `None` if it is missing, empty or not ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        let value = std::str::from_utf8(self.headers.get(name)?).ok()?.trim();
        (value.is_ascii() && !value.is_empty()).then_some(value)
    }

    /// The type and subtype of the content as they are written, without parameters.
    pub(crate) fn media_type(&self) -> &'a str {
        let content_type = self.header("content-type").unwrap_or_default();
        content_type.split(';').next().unwrap_or_default().trim()
    }

    /// Returns `true` if the content is declared as JSON: `application/json`, or a type that ends with `+json`.
    pub(crate) fn declares_json(&self) -> bool {
        let media_type = self.media_type();
        let ends = |suffix: &str| {
            let start = media_type.len().checked_sub(suffix.len());
            start.is_some_and(|start| media_type[start..].eq_ignore_ascii_case(suffix))
        };
        ends("/json") || ends("+json")
    }
}

/// The headers of a request.
///
/// ```
/// use hookgate_senders::Headers;
///
/// let headers = [("x-github-event", "ping")];
/// assert_eq!(headers.get("x-github-event"), Some(&b"ping"[..]));
/// ```
pub trait Headers {
    /// The value of a header, of which `name` is in lower case. If the request has several, it is the first.
    fn get(&self, name: &str) -> Option<&[u8]>;
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const COUNT: usize> Headers for [(N, V); COUNT] {
    fn get(&self, name: &str) -> Option<&[u8]> {
        find(self, name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for &[(N, V)] {
    fn get(&self, name: &str) -> Option<&[u8]> {
        find(self, name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn get(&self, name: &str) -> Option<&[u8]> {
        find(self, name)
    }
}

fn find<'h>(headers: &'h [(impl AsRef<str>, impl AsRef<[u8]>)], name: &str) -> Option<&'h [u8]> {
    let found = headers
        .iter()
        .find(|(known, _)| known.as_ref().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_ref())
}
