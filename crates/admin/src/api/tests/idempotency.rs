//! The `Idempotency-Key` of requests that create something.

use serde_json::json;

use crate::tests::test_app::TestApp;

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let app = TestApp::new().await;
    let long = "k".repeat(256);
    for keys in [&["two words"][..], &[""], &[&long], &["a", "b"]] {
        let app = keys
            .iter()
            .fold(app.clone(), |app, key| app.also("idempotency-key", key));
        for (path, new) in [
            ("/api/v1/webhooks", json!({"name": "a"})),
            ("/api/v1/tokens", json!({"name": "a", "role": "viewer"})),
            ("/api/v1/members", json!({"name": "a", "role": "viewer"})),
            (
                "/api/v1/address-sets",
                json!({"name": "a", "networks": ["192.0.2.1"]}),
            ),
            ("/api/v1/incidents/INC-1/notes", json!({"text": "a"})),
        ] {
            app.post(path, &new).await.assert_invalid(&["Idempotency-Key"]);
        }
    }
}
