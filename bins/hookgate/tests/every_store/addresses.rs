//! Address sets: creating, importing, refreshing and approving. Their changes affect deliveries at once.

use std::fmt::Write as _;

use hookgate_testkit::https::Http;
use serde_json::{Value, json};

use crate::support::program::Program;
use crate::support::publisher::Publisher;
use crate::support::{Server, run};

const ALERT: &str = r#"{"title":"Disk full"}"#;

/// A list of `count` networks without a sender, and of `more`.
fn list(count: usize, more: &str) -> String {
    let mut text = (0..count).fold(String::new(), |mut text, index| {
        let _ = writeln!(text, "198.51.{}.{}/32", index / 256, index % 256);
        text
    });
    text.push_str(more);
    text
}

pub(crate) fn said(server: &Server, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(server.directory(), arguments, "");
    let text = if output.status.success() {
        &output.stdout
    } else {
        &output.stderr
    };
    let json = serde_json::from_slice(text).unwrap_or(Value::Null);
    (output.status.code(), json)
}

#[tokio::test]
async fn a_set_counts_for_every_allowlist_at_once() {
    let server = Server::start();
    server.json(&["addresses", "create", "office", "--network", "192.0.2.0/24"]);
    let urls = ["a", "b"].map(|name| server.create(name, &["--allow", "@office # people"]));
    for url in &urls {
        assert_eq!(server.post(Http::One, url, ALERT).await.status, 403);
    }
    let changed = server.json(&[
        "addresses",
        "edit",
        "office",
        "--network",
        "192.0.2.0/24,127.0.0.0/8",
    ]);
    assert_eq!(changed["added"], json!(["127.0.0.0/8"]));
    for url in &urls {
        assert_eq!(server.post(Http::Two, url, ALERT).await.status, 201);
    }
    server.json(&["addresses", "edit", "office", "--network", "192.0.2.0/24"]);
    for url in &urls {
        assert_eq!(
            server.post(Http::One, url, ALERT).await.status,
            403,
            "dead at once"
        );
    }
    let record = server.deliveries(|items| items.len() == 6).await;
    let refused = server.json(&["deliveries", "show", record[0]["id"].as_str().unwrap()]);
    assert_eq!(refused["trail"]["sentence"], "127.0.0.1 connected directly");
    let webhook = server.json(&["webhook", "show", "a"]);
    assert_eq!(webhook["allowlist"], json!(["@office"]));
    assert_eq!(webhook["allowlist_entries"][0]["comment"], "people");
    assert_eq!(
        said(&server, &["addresses", "remove", "office"]).0,
        Some(4),
        "it is in use"
    );
    assert_eq!(
        said(&server, &["webhook", "edit", "a", "--allow", "@nobody"]).0,
        Some(3)
    );
    for name in ["a", "b"] {
        server.json(&["webhook", "edit", name, "--allow-any"]);
    }
    server.json(&["addresses", "remove", "office"]);
    assert_eq!(said(&server, &["addresses", "show", "office"]).0, Some(3));

    // Another set of the same name is another set, whatever was remembered of the first.
    for (network, status) in [("127.0.0.0/8", 201), ("192.0.2.0/24", 403), ("127.0.0.1", 201)] {
        server.json(&["addresses", "create", "office", "--network", network]);
        server.json(&["webhook", "edit", "a", "--allow", "@office"]);
        assert_eq!(
            server.post(Http::One, &urls[0], ALERT).await.status,
            status,
            "{network}"
        );
        server.json(&["webhook", "edit", "a", "--allow-any"]);
        server.json(&["addresses", "remove", "office"]);
    }
}

#[tokio::test]
async fn a_published_list_is_imported_refreshed_and_kept() {
    let server = Server::start();
    let publisher = Publisher::start(&list(10, "127.0.0.1\n"));
    let url = publisher.url("/list");
    let made = server.json(&["addresses", "import", "pub", "--provider", "list", "--url", &url]);
    assert_eq!(
        (&made["count"], &made["version"], &made["fault"]),
        (&json!(11), &json!(1), &Value::Null)
    );
    let hook = server.create("hook", &["--allow", "@pub"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);

    let same = server.json(&["addresses", "refresh", "pub"]);
    assert_eq!((&same["added"], &same["set"]["version"]), (&json!([]), &json!(1)));
    assert!(
        publisher.asked()[1].starts_with('"'),
        "it asks whether it changed: {:?}",
        publisher.asked()
    );

    // What loses a few networks counts at once.
    publisher.publish(&list(10, ""));
    let taken = server.json(&["addresses", "refresh", "pub"]);
    assert_eq!(
        (&taken["removed"], &taken["set"]["version"]),
        (&json!(["127.0.0.1/32"]), &json!(2))
    );
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 403);
    publisher.publish(&list(10, "127.0.0.1\n"));
    server.json(&["addresses", "refresh", "pub"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);

    // What loses more than half waits, and what counted goes on.
    publisher.publish("203.0.113.0/24\n");
    let shrunk = server.json(&["addresses", "refresh", "pub"]);
    assert_eq!(
        (&shrunk["set"]["pending"], &shrunk["set"]["version"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);
    let diff = server.json(&["addresses", "diff", "pub"]);
    assert_eq!(diff["removed"].as_array().unwrap().len(), 11);
    assert_eq!(
        diff["preview"]["webhooks"][0]["preview"]["would_stop"]["senders"],
        1
    );
    let doctor = server.json(&["doctor"]);
    assert!(doctor.to_string().contains("needs approval"), "{doctor}");
    server.json(&["addresses", "reject", "pub"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);
    let again = server.json(&["addresses", "refresh", "pub"]);
    assert_eq!(
        again["set"]["pending"],
        Value::Null,
        "nobody is asked twice about the same"
    );
    publisher.publish("203.0.113.0/25\n");
    server.json(&["addresses", "refresh", "pub"]);
    server.json(&["addresses", "approve", "pub"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 403);
    let shown = server.json(&["addresses", "show", "pub"]);
    let states: Vec<_> = shown["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].clone())
        .collect();
    assert_eq!(states, ["active", "rejected", "replaced", "replaced", "replaced"]);

    // What can't be read leaves everything as it is, and says so.
    publisher.publish("203.0.113.0/24\nnonsense\n");
    let (exit, error) = said(&server, &["addresses", "refresh", "pub"]);
    assert_eq!(exit, Some(2), "{error}");
    drop(publisher);
    assert_eq!(said(&server, &["addresses", "refresh", "pub"]).0, Some(1));
    let shown = server.json(&["addresses", "show", "pub"]);
    assert_eq!((&shown["version"], &shown["count"]), (&json!(5), &json!(1)));
    assert!(shown["fault"].is_string());
    let doctor = server.json(&["doctor"]);
    assert!(doctor.to_string().contains("could not be read"), "{doctor}");
}

#[tokio::test]
async fn a_list_that_recovers_leaves_nothing_to_approve() {
    let server = Server::start();
    let publisher = Publisher::start(&list(10, ""));
    server.json(&[
        "addresses",
        "import",
        "pub",
        "--provider",
        "list",
        "--url",
        &publisher.url("/list"),
    ]);
    publisher.publish("203.0.113.0/24\n");
    let broken = server.json(&["addresses", "refresh", "pub"]);
    assert_eq!(broken["set"]["pending"], 2);
    publisher.publish(&list(10, ""));
    let mended = server.json(&["addresses", "refresh", "pub"]);
    assert_eq!(
        (&mended["set"]["pending"], &mended["set"]["version"]),
        (&Value::Null, &json!(1))
    );
    assert_eq!(said(&server, &["addresses", "approve", "pub"]).0, Some(4));
}

#[tokio::test]
async fn a_file_is_imported_and_a_shrink_of_it_waits() {
    let server = Server::start();
    let file = server.directory().join("ranges.json");
    let document = |count: u32| {
        let prefix = |index: u32| json!({"ip_prefix": format!("3.{}.{}.0/24", index / 256, index % 256), "region": "eu-west-1", "service": "EC2"});
        let prefixes: Vec<_> = (0..count).map(prefix).collect();
        json!({"syncToken": "1", "prefixes": prefixes, "ipv6_prefixes": []}).to_string()
    };
    std::fs::write(&file, document(10_000)).unwrap();
    let path = file.to_str().unwrap();
    let import = [
        "addresses",
        "import",
        "aws",
        "--provider",
        "aws",
        "--filter",
        "service=EC2",
        "--file",
        path,
    ];
    let made = server.json(&import);
    assert_eq!((&made["count"], &made["url"]), (&json!(10_000), &Value::Null));
    std::fs::write(&file, document(4_000)).unwrap();
    let taken = server.json(&["addresses", "import", "aws", "--file", path]);
    assert_eq!(
        (&taken["set"]["pending"], &taken["set"]["count"]),
        (&json!(2), &json!(10_000))
    );
    let mut other = import;
    other[6] = "service=S3";
    assert_eq!(said(&server, &other).0, Some(4), "another list is another set");
    for wrong in [
        vec![
            "addresses",
            "import",
            "x",
            "--provider",
            "stripe",
            "--filter",
            "service=EC2",
            "--file",
            path,
        ],
        vec!["addresses", "import", "x", "--provider", "stripe", "--file", path],
        vec!["addresses", "import", "x", "--file", path],
        vec![
            "addresses",
            "import",
            "x",
            "--provider",
            "list",
            "--file",
            "/nowhere",
        ],
        vec!["addresses", "import", "X", "--provider", "list", "--file", path],
        vec!["addresses", "create", "x", "--network", "10.0.0.1/8"],
        vec!["addresses", "create", "x", "--network", "any"],
    ] {
        assert_eq!(said(&server, &wrong).0, Some(2), "{wrong:?}");
    }
}

#[tokio::test]
async fn only_https_and_the_internet_are_read() {
    let server = Server::start();
    let publisher = Publisher::start("192.0.2.0/24\n");
    let program = Program::new(&server, "admin");
    let import = async |url: &str| {
        let body = json!({"name": "x", "provider": "list", "url": url});
        let answer = program.post("/api/v1/address-sets", body).await;
        assert_eq!(answer.status, 422, "{url}: {}", answer.body);
        answer.body
    };
    for url in [
        "http://localhost/list",
        "file:///etc/passwd",
        "https://user@localhost/",
        "https://",
    ] {
        import(url).await;
    }
    for url in [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/list",
        "https://[::ffff:10.0.0.1]/",
        "https://192.168.0.1/",
    ] {
        let body = import(url).await;
        assert!(body.contains("not on the internet"), "{url}: {body}");
    }
    let body = import(&publisher.url("/elsewhere")).await;
    assert!(body.contains("302"), "{body}");
    // The certificate is valid for a host name, and not for the address.
    let body = import(&publisher.url("/list").replace("localhost", "127.0.0.1")).await;
    assert!(body.contains("certificate"), "{body}");
    let body = json!({"name": "x", "provider": "list", "url": publisher.url("/list")});
    assert_eq!(program.post("/api/v1/address-sets", body).await.status, 201);
}
