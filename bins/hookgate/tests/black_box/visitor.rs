//! Somebody who uses the console without scripts: a session, and forms that are filled in and sent.

use hookgate_testkit::https::{Answer, Full, Http, Request};

use crate::support::Server;

/// A member who is signed in.
pub(crate) struct Visitor<'a> {
    server: &'a Server,
    cookie: String,
    csrf: String,
}

impl<'a> Visitor<'a> {
    /// Signs in by the link that the server printed.
    pub(crate) async fn sign_in(server: &'a Server) -> Self {
        let link = server.ready["sign_in"].as_str().unwrap();
        let request = Request::post(link)
            .header("origin", server.console())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from("csrf="))
            .unwrap();
        let answer = server.send(Http::One, request).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        let mut visitor = Self {
            server,
            cookie: cookie.split(';').next().unwrap().to_owned(),
            csrf: String::new(),
        };
        let page = visitor.get("/webhooks/new").await;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().clone_into(&mut visitor.csrf);
        visitor
    }

    /// A page.
    pub(crate) async fn get(&self, path: &str) -> String {
        let answer = self.call("GET", path, String::new()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Sends a form.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &self.csrf).extend_pairs(fields);
        let answer = self.call("POST", path, body.finish()).await;
        let is_done = answer.status == 200 || answer.status == 303;
        assert!(is_done, "{path}: {} {}", answer.status, answer.body);
        answer
    }

    async fn call(&self, method: &str, path: &str, body: String) -> Answer {
        let origin = self.server.console();
        let request = Request::builder()
            .method(method)
            .uri(format!("{origin}{path}"))
            .header("origin", origin)
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(body))
            .unwrap();
        self.server.send(Http::One, request).await
    }
}
