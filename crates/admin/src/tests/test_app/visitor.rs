//! A member with a browser, for tests of pages: a session, and forms as the pages of the console send them.

use std::sync::atomic::{AtomicU32, Ordering};

use hookgate_testkit::samples;
use hyper::Method;
use serde_json::json;

use super::{Answer, CONSOLE, TestApp, TestStream};

/// A member who is signed in.
pub(crate) struct TestVisitor {
    app: TestApp,
    csrf: String,
}

impl TestApp {
    /// Adds a member with this role, whose name is the role, and signs the member in.
    pub(crate) async fn visitor(&self, role: &str) -> TestVisitor {
        self.sign_in(role, role).await
    }

    /// Adds a member with this name and role, and signs the member in by a link.
    pub(crate) async fn sign_in(&self, name: &str, role: &str) -> TestVisitor {
        self.member(name, role).await;
        let path = self.sign_in_path(name).await;
        self.stranger().begin(&path, &[]).await
    }

    /// Adds a member and returns the ID.
    pub(crate) async fn member(&self, name: &str, role: &str) -> String {
        let new = json!({"name": name, "role": role});
        let made = self.post("/api/v1/members", &new).await.data();
        made["id"].as_str().expect("an ID").to_owned()
    }

    /// Path of a new sign-in link of the command line for a member.
    pub(crate) async fn sign_in_path(&self, name: &str) -> String {
        let name = name.parse().expect("a name");
        let made = self
            .gate
            .sign_in_link(&samples::actor_context(), Some(&name))
            .await;
        let (secret, ..) = made.expect("a link");
        format!("/sign-in/{}", secret.reveal())
    }

    /// A browser without a session.
    pub(crate) fn stranger(&self) -> TestVisitor {
        let app = self
            .with("origin", CONSOLE)
            .with("content-type", "application/x-www-form-urlencoded");
        TestVisitor {
            app,
            csrf: String::new(),
        }
    }
}

impl TestVisitor {
    /// The answer with a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.app.get(path).await
    }

    /// The answer with a stream, such as a live view.
    pub(crate) async fn open(&self, path: &str) -> TestStream {
        self.app.open(Method::GET, path, "").await
    }

    /// The text of a page.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// Sends a form with these fields, the token of the session, and a key of its own.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        static FORMS: AtomicU32 = AtomicU32::new(0);
        let key = FORMS.fetch_add(1, Ordering::Relaxed);
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

    /// Starts a session by a form, in the same browser.
    pub(crate) async fn begin(&self, path: &str, fields: &[(&str, &str)]) -> Self {
        let answer = self.submit(path, fields).await;
        let mut visitor = self.with("cookie", cookie(&answer));
        let account = visitor.get("/account").await;
        account.value("csrf").clone_into(&mut visitor.csrf);
        visitor
    }

    /// `true` if the session still opens a page.
    pub(crate) async fn is_alive(&self) -> bool {
        let answer = self.get("/account").await;
        assert!(answer.status == 200 || answer.header("location").starts_with("/sign-in"));
        answer.status == 200
    }

    /// The answer with a page, to a browser that has another cookie too.
    pub(crate) async fn get_with(&self, path: &str, cookie: &str) -> Answer {
        let cookies = format!("{}; {cookie}", self.app.header_value("cookie"));
        self.with("cookie", &cookies).get(path).await
    }

    /// The page that an answer redirects to, with the cookie that it sets.
    pub(crate) async fn follow(&self, answer: &Answer) -> String {
        assert_eq!(answer.status, 303, "{answer:?}");
        let page = self.get_with(answer.header("location"), cookie(answer)).await;
        assert_eq!(page.status, 200, "{page:?}");
        page.body
    }

    /// A visitor with the headers of this one and another value of one of them.
    pub(crate) fn with(&self, header: &'static str, value: &str) -> Self {
        Self {
            app: self.app.with(header, value),
            csrf: self.csrf.clone(),
        }
    }
}

/// The complete form of a webhook. Fields that are not given have the values of an empty form.
pub(crate) fn webhook_form<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    const EMPTY: [(&str, &str); 10] = [
        ("name", "webhook"),
        ("allowlist", ""),
        ("observe", "off"),
        ("payload_logging", "on"),
        ("signed", "off"),
        ("body_bytes", "262144"),
        ("per_minute", ""),
        ("overload", "refuse"),
        ("rotation_days", "90"),
        ("revision", "1"),
    ];
    let is_given = |name: &str| fields.iter().any(|(known, _)| *known == name);
    let others = EMPTY.into_iter().filter(|(name, _)| !is_given(name));
    fields.iter().copied().chain(others).collect()
}

/// Name and value of the first cookie that an answer sets.
pub(crate) fn cookie(answer: &Answer) -> &str {
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
