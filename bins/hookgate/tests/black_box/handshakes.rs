//! Failed TLS handshakes are visible: metrics and log show a sender that does not trust the certificate.

use std::process::Stdio;

use hookgate_testkit::https::{Client, Full, Http, Request};

use crate::support::{Server, comes};

/// The PEM of a CA that did not issue the server's certificate.
fn other_ca() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.self_signed(&key).unwrap().pem()
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_certificate_is_counted_and_logged_once() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let server = Server::start_in(&directory.path().join("data"), "info", Stdio::from(file));
    let stranger = Client::trusting(other_ca().as_bytes()).unwrap();
    for _ in 0..3 {
        assert!(stranger.tls(server.address(), Http::One).await.is_err());
    }
    let counted = r#"hookgate_handshake_failures_total{reason="certificate_rejected"} 3"#;
    comes(counted, async || {
        let request = Request::get(format!("{}/metrics", server.console()));
        let request = request.body(Full::default()).unwrap();
        server.send(Http::One, request).await.body.contains(counted)
    })
    .await;
    let logged = std::fs::read_to_string(&log).unwrap();
    assert_eq!(logged.matches("a TLS handshake failed").count(), 1, "{logged}");
}
