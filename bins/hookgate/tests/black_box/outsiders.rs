//! Usage and previews count senders, however many outsiders were refused before them.

use std::net::Ipv4Addr;
use std::process::Stdio;

use hookgate_testkit::https::Http;
use serde_json::json;

use crate::support::{Server, post, sql};

/// Number of sources of a webhook that are counted separately on one day.
const PLACES: u32 = 2_000;
const SENDERS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 9), Ipv4Addr::new(127, 0, 0, 10)];
const ALERT: &str = r#"{"title":"t"}"#;

/// Outsiders would need minutes to send, because few of them are recorded per minute; their rows are inserted into the store
/// instead.
#[tokio::test(flavor = "multi_thread")]
async fn refused_outsiders_take_no_place_from_senders() {
    let mut server = Server::start();
    let data = server.directory().to_owned();
    let url = server.create("hook", &["--allow", "127.0.0.9", "--allow", "127.0.0.10"]);
    assert_eq!(server.post(Http::One, &url, ALERT).await.status, 403);
    server.deliveries(|items| items.len() == 1).await;
    server.json(&["webhook", "usage", "hook"]);
    let gate = server.ready["gate"].as_str().unwrap().to_owned();
    server.signal("-TERM");

    let columns = "webhook, day, source, address, accepted, refused, first_at, last_at";
    let row =
        "SELECT webhook, day, hex(source), hex(address), accepted, refused, first_at, last_at FROM sources";
    let row = sql(&data, row);
    let row: Vec<_> = row.trim().split('|').collect();
    let before = &row[2][..row[2].len() - 8];
    let rows: Vec<_> = (0..PLACES)
        .map(|number| {
            let source = format!("{before}{:08X}", 0x0A00_0000 + number);
            let rest = row[4..].join(", ");
            format!("({}, {}, X'{source}', X'{source}', {rest})", row[0], row[1])
        })
        .collect();
    for some in rows.chunks(500) {
        sql(
            &data,
            &format!("INSERT INTO sources ({columns}) VALUES {}", some.join(",")),
        );
    }

    let server = Server::start_in(&data, "warn", Stdio::inherit());
    let url = url.replace(&gate, server.ready["gate"].as_str().unwrap());
    for sender in SENDERS {
        for _ in 0..5 {
            let sent = server.client.send_from(sender, post(&url, ALERT)).await;
            assert_eq!(sent.unwrap().status, 201);
        }
    }
    server.deliveries(|items| items.len() == 11).await;
    let preview = server.json(&["webhook", "preview", "hook", "--allow", "192.0.2.1"]);
    assert_eq!(
        preview["would_stop"],
        json!({"senders": 2, "deliveries": 10}),
        "{preview}"
    );
    let suggested = server.json(&["webhook", "suggest", "hook"])["allowlist"].to_string();
    for sender in SENDERS {
        assert!(suggested.contains(&sender.to_string()), "{suggested}");
    }
}
