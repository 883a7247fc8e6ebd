//! A member with a browser, for tests of pages: a session, and forms as the pages of the console send them.

use std::sync::atomic::{AtomicU32, Ordering};

use hookgate_testkit::samples;
use hyper::Method;
use serde_json::json;

use super::{Answer, CONSOLE, TestApp};

/// A member who is signed in.
pub(crate) struct TestVisitor {
    app: TestApp,
    csrf: String,
    forms: AtomicU32,
}

impl TestApp {
    /// Adds a member with this role, whose name is the role, and signs the member in.
    pub(crate) async fn visitor(&self, role: &str) -> TestVisitor {
        self.sign_in(role, role).await
    }

    /// Adds a member with this name and role, and signs the member in by a link.
    pub(crate) async fn sign_in(&self, name: &str, role: &str) -> TestVisitor {
        let new = json!({"name": name, "role": role});
        self.post("/api/v1/members", &new).await.data();
        let name = name.parse().expect("a name");
        let made = self.gate.sign_in_link(&samples::acting(), Some(&name)).await;
        let (secret, ..) = made.expect("a link");
        let app = self
            .with("origin", CONSOLE)
            .with("content-type", "application/x-www-form-urlencoded");
        let path = format!("/sign-in/{}", secret.reveal());
        let answer = app.send(Method::POST, &path, "").await;
        let app = app.with("cookie", cookie(&answer));
        let account = app.get("/account").await;
        TestVisitor {
            csrf: account.value("csrf").to_owned(),
            app,
            forms: AtomicU32::new(0),
        }
    }
}

impl TestVisitor {
    /// The answer with a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.app.get(path).await
    }

    /// The text of a page.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// Sends a form with these fields, the token of the session, and a key of its own.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let key = self.forms.fetch_add(1, Ordering::Relaxed);
        self.submit_as(&format!("{key:032x}"), path, fields).await
    }

    /// Sends a form with this key: a form with a key that was sent before is the same one.
    pub(crate) async fn submit_as(&self, key: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let own = [("csrf", self.csrf.as_str()), ("once", key)];
        self.submit_only(path, &[&own, fields].concat()).await
    }

    /// Sends a form with these fields and no others.
    pub(crate) async fn submit_only(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.app.send(Method::POST, path, &body.finish()).await
    }

    /// The page that an answer redirects to, with the cookie that it sets.
    pub(crate) async fn follow(&self, answer: &Answer) -> String {
        assert_eq!(answer.status, 303, "{answer:?}");
        let session = self.app.header_value("cookie");
        let cookies = format!("{session}; {}", cookie(answer));
        let page = self
            .app
            .with("cookie", &cookies)
            .get(answer.header("location"))
            .await;
        assert_eq!(page.status, 200, "{page:?}");
        page.body
    }

    /// A visitor with the headers of this one and another value of one of them.
    pub(crate) fn with(&self, header: &'static str, value: &str) -> Self {
        Self {
            app: self.app.with(header, value),
            csrf: self.csrf.clone(),
            forms: AtomicU32::new(0),
        }
    }
}

/// Name and value of the cookie that an answer sets.
fn cookie(answer: &Answer) -> &str {
    answer.header("set-cookie").split(';').next().unwrap_or_default()
}

impl Answer {
    /// The value of a field of a form on the page.
    #[track_caller]
    pub(crate) fn value(&self, field: &str) -> &str {
        let start = format!("name=\"{field}\" value=\"");
        let rest = self.body.split_once(&start).expect("a field").1;
        rest.split('"').next().expect("a value")
    }

    /// Checks that the answer redirects to this path.
    #[track_caller]
    pub(crate) fn assert_redirect(&self, path: &str) {
        assert_eq!((self.status, self.header("location")), (303, path), "{self:?}");
    }

    /// Checks the status of a page, and that it has all these words.
    #[track_caller]
    pub(crate) fn assert_page(&self, status: u16, words: &[&str]) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        for words in words {
            assert!(self.body.contains(words), "{words:?} is not in {}", self.body);
        }
    }
}
