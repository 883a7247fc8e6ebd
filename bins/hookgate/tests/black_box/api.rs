//! The admin API over real TLS: every endpoint, its rules, and what each role may do.

use hookgate_testkit::https::{Full, Http, Request};
use serde_json::{Value, json};

use crate::program::{Program, code, data};
use crate::support::Server;

/// A request and its expected answer: client, method, path, body, status and error code.
type Case<'a> = (&'a Program<'a>, &'a str, &'a str, Option<Value>, u16, &'a str);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_webhook() {
    let server = Server::start();
    let admin = Program::new(&server, "admin");
    let created = admin
        .post(
            "/api/v1/webhooks",
            json!({"name": "disk", "allowlist": ["127.0.0.1", "192.0.2.0/24"]}),
        )
        .await;
    assert_eq!(created.status, 201, "{}", created.body);
    let webhook = data(&created);
    let (handle, url) = (
        webhook["handle"].as_str().unwrap(),
        webhook["url"].as_str().unwrap(),
    );
    let path = format!("/api/v1/webhooks/{handle}");
    assert_eq!(created.header("location"), path);
    let sent = server.post(Http::Two, url, r#"{"title":"full"}"#).await;
    assert_eq!(sent.status, 201, "{}", sent.body);

    let shown = admin.call("GET", &path, None, &[]).await;
    let tag = shown.header("etag").to_owned();
    assert_eq!(tag, "\"1\"");
    assert!(data(&shown).get("url").is_none(), "a URL is shown once");
    let change = json!({"name": "disk 2", "per_minute": 60});
    let without = admin.call("PATCH", &path, Some(change.clone()), &[]).await;
    assert_eq!(
        (without.status.as_u16(), code(&without).as_str()),
        (428, "PRECONDITION_REQUIRED")
    );
    let edited = admin
        .call("PATCH", &path, Some(change.clone()), &[("if-match", &tag)])
        .await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_eq!(edited.header("etag"), "\"2\"");
    assert_eq!(data(&edited)["per_minute"], 60);
    let late = admin
        .call("PATCH", &path, Some(change), &[("if-match", &tag)])
        .await;
    assert_eq!(
        (late.status.as_u16(), code(&late).as_str()),
        (412, "PRECONDITION_FAILED")
    );
    for (tags, revision) in [("*", "\"3\""), ("\"1\", \"3\"", "\"4\"")] {
        let change = json!({"name": format!("disk {revision}")});
        let edited = admin
            .call("PATCH", &path, Some(change), &[("if-match", tags)])
            .await;
        assert_eq!(
            (edited.status.as_u16(), edited.header("etag")),
            (200, revision),
            "{tags}"
        );
    }

    let regenerated = admin.post(&format!("{path}/regenerate"), json!({})).await;
    let fresh = data(&regenerated)["url"].as_str().unwrap().to_owned();
    assert_ne!(fresh, url);
    assert_eq!(server.post(Http::One, url, r#"{"title":"x"}"#).await.status, 410);
    assert_eq!(
        server.post(Http::One, &fresh, r#"{"title":"x"}"#).await.status,
        201
    );
    let revoked = admin.post(&format!("{path}/revoke"), json!({})).await;
    assert_eq!(data(&revoked)["state"], "revoked");
    assert_eq!(
        server.post(Http::One, &fresh, r#"{"title":"x"}"#).await.status,
        410
    );
    let again = admin.post(&format!("{path}/revoke"), json!({})).await;
    assert_eq!(
        (again.status.as_u16(), code(&again).as_str()),
        (410, "WEBHOOK_REVOKED")
    );
    let list = admin.get("/api/v1/webhooks?limit=1").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert!(list["next"].is_string());

    let trail = admin.get("/api/v1/audit").await;
    let acts: Vec<_> = trail["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["subject"]["id"] == handle)
        .map(|entry| entry["act"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        acts,
        [
            "webhook.revoke",
            "webhook.regenerate",
            "webhook.edit",
            "webhook.edit",
            "webhook.edit",
            "webhook.create"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_and_incidents() {
    let server = Server::start();
    let (operator, viewer) = (Program::new(&server, "operator"), Program::new(&server, "viewer"));
    let sent = server
        .post(
            Http::One,
            &server.demo_url(),
            r#"{"title":"=cmd|' /C calc'!A0","severity":"high"}"#,
        )
        .await;
    assert_eq!(sent.status, 201);
    assert_eq!(server.post(Http::One, &server.demo_url(), "{").await.status, 400);
    server.deliveries(|items| items.len() == 2).await;

    let refused = operator
        .get("/api/v1/deliveries?outcome=refused&code=INVALID_JSON")
        .await;
    assert_eq!(refused["items"].as_array().unwrap().len(), 1);
    let all = operator.get("/api/v1/deliveries?source=127.0.0.1&limit=1").await;
    let next = all["next"].as_str().unwrap();
    let older = operator.get(&format!("/api/v1/deliveries?cursor={next}")).await;
    let id = older["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        operator.get(&format!("/api/v1/deliveries/{id}")).await["payload"]["severity"],
        "high"
    );
    assert_eq!(
        viewer.get(&format!("/api/v1/deliveries/{id}")).await["payload"],
        Value::Null,
        "a viewer sees no payload"
    );

    let csv = viewer.call("GET", "/api/v1/deliveries/export", None, &[]).await;
    assert!(csv.header("content-type").starts_with("text/csv"), "{}", csv.body);
    assert_eq!(csv.body.lines().count(), 3, "{}", csv.body);
    let ndjson = viewer
        .call("GET", "/api/v1/deliveries/export?format=ndjson", None, &[])
        .await;
    let lines: Vec<Value> = ndjson
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line["payload"].is_null()));

    let incident = operator.get("/api/v1/incidents/INC-1").await;
    assert_eq!(incident["status"], "open");
    let act = |status: &str| json!({"status": status});
    let denied = viewer
        .call("PATCH", "/api/v1/incidents/INC-1", Some(act("resolved")), &[])
        .await;
    assert_eq!(
        (denied.status.as_u16(), code(&denied).as_str()),
        (403, "FORBIDDEN")
    );
    for status in ["acknowledged", "resolved"] {
        let acted = operator
            .call("PATCH", "/api/v1/incidents/INC-1", Some(act(status)), &[])
            .await;
        assert_eq!(data(&acted)["status"], status);
    }
    let open = operator.get("/api/v1/incidents?status=open").await;
    assert_eq!(open["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_and_tokens() {
    let server = Server::start();
    let admin = Program::new(&server, "admin");
    let ada = json!({"name": "Ada", "role": "operator"});
    let mut outliving = ada.clone();
    outliving["password"] = json!("correct horse");
    let refused = admin.post("/api/v1/members", outliving).await;
    assert_eq!(
        refused.status, 403,
        "an account that outlives the token: {}",
        refused.body
    );
    assert!(!refused.body.contains("correct horse"));
    let added = admin.post("/api/v1/members", ada).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let path = format!("/api/v1/members/{}", data(&added)["id"].as_str().unwrap());
    let twice = admin
        .post("/api/v1/members", json!({"name": "ADA", "role": "viewer"}))
        .await;
    assert_eq!((twice.status.as_u16(), code(&twice).as_str()), (409, "CONFLICT"));
    let owner = admin
        .post("/api/v1/members", json!({"name": "Eve", "role": "owner"}))
        .await;
    assert!(matches!(owner.status.as_u16(), 403 | 409), "{}", owner.body);
    let promoted = admin
        .call("PATCH", &path, Some(json!({"role": "viewer"})), &[])
        .await;
    assert_eq!(data(&promoted)["role"], "viewer");
    assert_eq!(admin.call("DELETE", &path, None, &[]).await.status, 200);
    assert_eq!(admin.call("DELETE", &path, None, &[]).await.status, 404);

    let made = admin
        .post(
            "/api/v1/tokens",
            json!({"name": "ci", "role": "viewer", "expires_days": 30}),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = data(&made);
    let program = Program::with(&server, made["token"].as_str().unwrap());
    assert_eq!(
        program.call("GET", "/api/v1/webhooks", None, &[]).await.status,
        200
    );
    assert_eq!(program.call("GET", "/api/v1/audit", None, &[]).await.status, 403);
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(admin.call("DELETE", &path, None, &[]).await.status, 200);
    let dead = program.call("GET", "/api/v1/webhooks", None, &[]).await;
    assert_eq!(
        (dead.status.as_u16(), code(&dead).as_str()),
        (401, "UNAUTHENTICATED")
    );
    assert_eq!(dead.header("www-authenticate"), "Bearer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn what_is_wrong_is_told_by_code() {
    let server = Server::start();
    let admin = Program::new(&server, "admin");
    let viewer = Program::new(&server, "viewer");
    let stranger = Program::with(&server, "hgt_x");
    let cases: [Case<'_>; 17] = [
        (&stranger, "GET", "/api/v1/webhooks", None, 401, "UNAUTHENTICATED"),
        (&stranger, "GET", "/api/v1/nothing", None, 401, "UNAUTHENTICATED"),
        (&admin, "GET", "/api/v1/nothing", None, 404, "NOT_FOUND"),
        (&admin, "GET", "/api/v1/webhooks/", None, 404, "NOT_FOUND"),
        (
            &admin,
            "GET",
            "/api/v1/webhooks/hk_nobody",
            None,
            404,
            "NOT_FOUND",
        ),
        (
            &admin,
            "DELETE",
            "/api/v1/webhooks",
            None,
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (
            &admin,
            "GET",
            "/api/v1/webhooks?limit=0",
            None,
            422,
            "VALIDATION_ERROR",
        ),
        (
            &admin,
            "GET",
            "/api/v1/webhooks?limt=1",
            None,
            422,
            "VALIDATION_ERROR",
        ),
        (
            &admin,
            "GET",
            "/api/v1/deliveries?source=10.0.0.1/8",
            None,
            422,
            "VALIDATION_ERROR",
        ),
        (
            &admin,
            "GET",
            "/api/v1/deliveries?from=yesterday",
            None,
            422,
            "VALIDATION_ERROR",
        ),
        (
            &admin,
            "POST",
            "/api/v1/webhooks",
            Some(json!({})),
            422,
            "VALIDATION_ERROR",
        ),
        (
            &admin,
            "POST",
            "/api/v1/webhooks",
            Some(json!({"name": "a", "nam": 1})),
            422,
            "VALIDATION_ERROR",
        ),
        (
            &admin,
            "POST",
            "/api/v1/webhooks",
            Some(json!({"name": "a", "sender": "x"})),
            422,
            "VALIDATION_ERROR",
        ),
        (
            &admin,
            "POST",
            "/api/v1/webhooks",
            Some(json!({"name": "a", "allowlist": ["any"]})),
            422,
            "VALIDATION_ERROR",
        ),
        (
            &admin,
            "POST",
            "/api/v1/webhooks",
            None,
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            &viewer,
            "POST",
            "/api/v1/webhooks",
            Some(json!({"name": "a"})),
            403,
            "FORBIDDEN",
        ),
        (&viewer, "GET", "/api/v1/tokens", None, 403, "FORBIDDEN"),
    ];
    for (program, method, path, body, status, word) in cases {
        let answer = program.call(method, path, body, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.body);
        assert_eq!(code(&answer), word, "{method} {path}");
    }
}

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
