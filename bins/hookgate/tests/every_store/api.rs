//! Monitoring endpoints of the whole program, over real TLS.

use hookgate_testkit::https::{Full, Http, Request};
use serde_json::Value;

use crate::support::Server;
use crate::support::program::data;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_that_watch_are_answered() {
    let server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"t"}"#)
        .await;
    let get = async |path: &str| {
        let request = Request::get(format!("{}{path}", server.console()));
        server
            .send(Http::Two, request.body(Full::default()).unwrap())
            .await
    };
    assert_eq!(get("/healthz").await.status, 200);
    assert_eq!(data(&get("/readyz").await)["store"], "ok");
    let metrics = get("/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    assert!(
        metrics
            .body
            .contains("hookgate_deliveries_total{outcome=\"accepted\",reason=\"\"} 1\n")
    );
    assert!(metrics.body.contains("hookgate_webhooks{state=\"active\"} 1\n"));
    assert!(metrics.body.contains("hookgate_allowlist_rejections_total 0\n"));
    let size = metrics
        .body
        .lines()
        .find_map(|line| line.strip_prefix("hookgate_store_bytes "));
    assert!(size.unwrap().parse::<u64>().unwrap() > 4_096, "{size:?}");
    assert!(!metrics.body.contains("hk_"), "no handle is a label");
    let document: Value = serde_json::from_str(&get("/api/openapi.json").await.body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let by_another_name = async |path: &str| {
        let request = Request::get(format!("{}{path}", server.console()));
        let request = request.header("host", "hookgate.monitoring.svc");
        let request = request.body(Full::default()).unwrap();
        server.send(Http::One, request).await.status
    };
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(by_another_name(path).await, 200, "{path}");
    }
    for path in [
        "/",
        "/sign-in",
        "/api/openapi.json",
        "/api/v1/webhooks",
        "/metrics/",
    ] {
        assert_eq!(by_another_name(path).await, 421, "{path}");
    }
}
