//! A console client without scripts: a session, and forms that are filled in and sent.

use std::sync::atomic::{AtomicU64, Ordering};

use hookgate_testkit::https::{Answer, Full, Http, Request};

use crate::support::Server;

/// A member who is signed in.
pub(crate) struct ConsoleClient<'a> {
    server: &'a Server,
    cookie: String,
    csrf: String,
}

impl<'a> ConsoleClient<'a> {
    /// Signs in by the link that the server printed.
    pub(crate) async fn sign_in(server: &'a Server) -> Self {
        Self::by_link(server, server.ready["sign_in"].as_str().unwrap()).await
    }

    /// Signs in by this link.
    pub(crate) async fn by_link(server: &'a Server, link: &str) -> Self {
        let path = link.strip_prefix(server.console()).unwrap();
        Self::nobody(server).begin(path, &[]).await
    }

    /// Signs in by name and password.
    pub(crate) async fn by_password(server: &'a Server, name: &str, password: &str) -> Self {
        let fields = [("name", name), ("password", password)];
        Self::nobody(server).begin("/sign-in", &fields).await
    }

    /// A client that is not signed in.
    pub(crate) fn nobody(server: &'a Server) -> Self {
        Self {
            server,
            cookie: String::new(),
            csrf: String::new(),
        }
    }

    /// Gets a session from a form that starts one, in the same browser.
    pub(crate) async fn begin(&self, path: &str, fields: &[(&str, &str)]) -> Self {
        let answer = self.send(path, fields).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        let mut visitor = Self {
            server: self.server,
            cookie: cookie.split(';').next().unwrap().to_owned(),
            csrf: String::new(),
        };
        let page = visitor.get("/account").await;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().clone_into(&mut visitor.csrf);
        visitor
    }

    /// The session of the cookie, if there is one.
    pub(crate) fn session(&self) -> &str {
        self.cookie.split_once('=').map_or("", |(_, session)| session)
    }

    /// A page.
    pub(crate) async fn get(&self, path: &str) -> String {
        let answer = self.call("GET", path, String::new()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Sends a form, and follows to the page that shows the result, if there is one.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.try_to_send(path, fields).await;
        let is_done = answer.status == 200 || answer.status == 303;
        assert!(is_done, "{path}: {} {}", answer.status, answer.body);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        if cookie.starts_with("__Secure-hookgate-once=") {
            return self
                .call_with("GET", answer.header("location"), &cookie, String::new())
                .await;
        }
        answer
    }

    /// Sends a form that may be refused, complete as a browser would send it.
    pub(crate) async fn try_to_send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.call("POST", path, self.form(path, fields)).await
    }

    /// The body of a complete form.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> String {
        self.encoded(&completed(path, fields))
    }

    fn encoded(&self, fields: &[(&str, &str)]) -> String {
        static FORMS: AtomicU64 = AtomicU64::new(0);
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &self.csrf);
        if !fields.iter().any(|(name, _)| *name == "once") {
            let form = FORMS.fetch_add(1, Ordering::Relaxed);
            body.append_pair("once", &format!("{form:032x}"));
        }
        body.extend_pairs(fields);
        body.finish()
    }

    /// Sends a request.
    pub(crate) async fn call(&self, method: &str, path: &str, body: String) -> Answer {
        self.call_with(method, path, "", body).await
    }

    /// Sends a request with one more cookie.
    pub(crate) async fn call_with(&self, method: &str, path: &str, cookie: &str, body: String) -> Answer {
        let origin = self.server.console();
        let request = Request::builder()
            .method(method)
            .uri(format!("{origin}{path}"))
            .header("origin", origin)
            .header("cookie", format!("{}; {cookie}", self.cookie))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(body))
            .unwrap();
        self.server.send(Http::One, request).await
    }
}

/// The fields of a webhook's form; fields that are not given have the value of the page.
fn completed<'a>(path: &str, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    const WEBHOOK: [(&str, &str); 10] = [
        ("name", "webhook"),
        ("allowlist", ""),
        ("observe", "off"),
        ("payload_logging", "off"),
        ("signed", "off"),
        ("body_bytes", "262144"),
        ("per_minute", ""),
        ("overload", "refuse"),
        ("rotation_days", ""),
        ("revision", "1"),
    ];
    let is_webhooks = path == "/webhooks"
        || path.starts_with("/webhooks/")
            && ["new", "edit", "preview", "suggest"].contains(&path.rsplit('/').next().unwrap());
    let given = |name: &str| fields.iter().any(|(known, _)| *known == name);
    let others = WEBHOOK
        .into_iter()
        .filter(|(name, _)| is_webhooks && !given(name));
    fields.iter().copied().chain(others).collect()
}
