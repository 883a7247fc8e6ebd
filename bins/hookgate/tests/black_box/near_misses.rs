//! A URL that is almost that of a webhook: either it works, or the webhook's record shows a sender with the ID and a wrong
//! URL.

use hookgate_testkit::https::{Full, Http, Request};
use serde_json::Value;

use crate::support::{Server, code, plain_tcp, post};

const GOOD: &str = r#"{"title":"t"}"#;
/// A sender format that is not the webhook's.
const OTHER_FORMAT: &str = "/grafana/";

/// Other spellings of a URL (RFC 3986, section 6.2.2.2), and one trailing slash.
fn same(url: &str) -> Vec<String> {
    vec![
        format!("{url}/"),
        format!("{url}/?a=b"),
        url.replace("wh_", "wh%5F"),
        url.replace("/webhooks/custom", "/%77ebhooks/c%75stom"),
    ]
}

/// Forms of a URL that people and software produce by mistake.
fn near(url: &str) -> Vec<String> {
    let id = url.rsplit('/').next().unwrap();
    vec![
        format!("{url}//"),
        url.replace("/webhooks/", "//webhooks/"),
        url.replace("/webhooks/", "/gate/webhooks/"),
        url.replace("/webhooks/", "/Webhooks/"),
        url.replace("wh_", "wh%255F"),
        format!("{url}%0A"),
        format!("{url}%0D%0A"),
        format!("{url}%20"),
        format!("{url}."),
        format!("{url}/events"),
        url.replace("/custom/", OTHER_FORMAT),
        url.replace("/custom/", "/customs/"),
        url.replace(&format!("/{id}"), &format!("?id={id}")),
        url.replace(&format!("/custom/{id}"), &format!("/custom/?{id}")),
    ]
}

fn path(url: &str) -> &str {
    &url[url["https://".len()..].find('/').unwrap() + "https://".len()..]
}

/// The codes in the record of a webhook, as soon as it has `count` of them.
async fn codes(server: &Server, name: &str, count: usize) -> Vec<String> {
    let of_webhook = |items: &[Value]| -> Vec<String> {
        let handle = server.json(&["webhook", "show", name])["handle"].clone();
        let own = items.iter().filter(|item| item["webhook"] == handle);
        own.flat_map(|item| {
            let times = usize::try_from(item["count"].as_u64().unwrap()).unwrap();
            vec![item["code"].as_str().unwrap_or("accepted").to_owned(); times]
        })
        .collect()
    };
    of_webhook(&server.deliveries(|items| of_webhook(items).len() >= count).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn equivalent_urls_are_the_same_one() {
    let server = Server::start();
    let (live, dead) = (server.create("live", &[]), server.create("dead", &[]));
    server.json(&["webhook", "revoke", "dead", "--yes"]);
    let mut count = 0;
    for http in Http::BOTH {
        for url in same(&live) {
            assert_eq!(server.post(http, &url, GOOD).await.status, 201, "{}", path(&url));
        }
        for url in same(&dead) {
            let answer = server.post(http, &url, GOOD).await;
            assert_eq!(
                (answer.status.as_u16(), code(&answer).as_str()),
                (410, "WEBHOOK_REVOKED")
            );
            count += 1;
        }
    }
    assert!(
        codes(&server, "dead", count)
            .await
            .iter()
            .all(|code| code == "WEBHOOK_REVOKED")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn near_misses_are_refused_and_on_the_record() {
    let server = Server::start();
    for name in ["live", "dead"] {
        let url = server.create(name, &[]);
        if name == "dead" {
            server.json(&["webhook", "revoke", "dead", "--yes"]);
        }
        let mut count = 0;
        for http in Http::BOTH {
            for url in near(&url) {
                let answer = server.post(http, &url, GOOD).await;
                // The state of a webhook is judged before its format.
                let expected = if name == "dead" && url.contains(OTHER_FORMAT) {
                    (410, "WEBHOOK_REVOKED")
                } else {
                    (404, "WEBHOOK_NOT_FOUND")
                };
                assert_eq!((answer.status.as_u16(), code(&answer).as_str()), expected);
                assert!(!answer.body.contains("wh_"), "nothing of it is echoed");
                count += 1;
            }
        }
        assert_eq!(codes(&server, name, count).await.len(), count, "{name}");
    }
    assert_eq!(
        server.json(&["incidents", "list"])["items"],
        Value::Array(Vec::new())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_clear_every_form_exposes_the_url() {
    let server = Server::start();
    let console = server.console().rsplit(':').next().unwrap().parse().unwrap();
    let mut console_address = server.address();
    console_address.set_port(console);
    let forms = [same, near]
        .map(|forms| forms("https://h/webhooks/custom/ID").len())
        .iter()
        .sum::<usize>();
    for number in 0..forms + 3 {
        let name = format!("w{number}");
        let url = server.create(&name, &[]);
        let mut forms = [same(&url), near(&url)].concat();
        // Malformed requests, and the wrong port.
        forms.extend([format!("{url}\u{1}"), format!("{url}\u{e9}"), url.clone()]);
        let address = if number + 1 == forms.len() {
            console_address
        } else {
            server.address()
        };
        let request = format!("POST {} HTTP/1.1\r\nhost: a\r\n\r\n", path(&forms[number]));
        assert!(
            plain_tcp(address, request.as_bytes()).starts_with("HTTP/1.1 403 "),
            "{number}"
        );
        assert_eq!(codes(&server, &name, 1).await, ["HTTPS_REQUIRED"], "{number}");
        assert!(
            server.json(&["webhook", "show", &name])["exposed_at"].is_string(),
            "{number}"
        );
    }
}

/// Malformed plain HTTP requests for the URL, as bytes.
fn strays(path: &str) -> Vec<Vec<u8>> {
    let id = path.rsplit('/').next().unwrap();
    let tail = "HTTP/1.1\r\nhost: a\r\n";
    [
        format!("POST {path}?{} {tail}\r\n", "a".repeat(9_000)),
        format!("\r\nPOST {path} {tail}\r\n"),
        format!("\r\n\r\nPOST {path} {tail}\r\n"),
        format!("POST {path}\r\n"),
        format!("POST {path} {tail}upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAA\r\n\r\n"),
        format!("post https://other{path} {tail}\r\n"),
        format!("OPTIONS * {tail}referer: https://h{path}\r\n\r\n"),
        format!("POST / {tail}content-length: 60\r\n\r\n{{\"hook\":\"{path}\"}}"),
        format!("\0\u{1}{id}"),
    ]
    .map(String::into_bytes)
    .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_clear_an_id_is_seen_wherever_it_stands_on_every_port() {
    let server = Server::start();
    let mut console = server.address();
    console.set_port(server.console().rsplit(':').next().unwrap().parse().unwrap());
    for (port, address) in [("gate", server.address()), ("console", console)] {
        for number in 0..=strays("/").len() {
            let name = format!("{port}{number}");
            let url = server.create(&name, &[]);
            if let Some(stray) = strays(path(&url)).get(number) {
                let answer = plain_tcp(address, stray);
                let is_http = stray[0] != 0;
                assert_eq!(answer.starts_with("HTTP/1.1 403 "), is_http, "{name}");
            } else {
                let url = format!("http://{address}{}", path(&url).replace("wh_", "%77h_"));
                let curl = std::process::Command::new("curl")
                    .args(["--silent", "--http2-prior-knowledge", "--data", "x", &url])
                    .output()
                    .unwrap();
                let answer = String::from_utf8_lossy(&curl.stdout);
                assert!(answer.contains("HTTPS_REQUIRED"), "{curl:?}");
            }
            assert_eq!(codes(&server, &name, 1).await, ["HTTPS_REQUIRED"], "{name}");
            let shown = server.json(&["webhook", "show", &name]);
            assert!(shown["exposed_at"].is_string(), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_does_not_take_a_webhook_url_to_the_sign_in_page() {
    let server = Server::start();
    let url = format!("{}{}", server.console(), path(&server.demo_url()));
    for url in [url.clone(), format!("{url}?a=b"), url.replace("wh_", "wh%5F")] {
        let get = Request::get(url).body(Full::default()).unwrap();
        let answer = server.send(Http::One, get).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, "/sign-in")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_and_what_comes_to_the_console_is_on_record_too() {
    let server = Server::start();
    let url = server.create("w", &[]);
    for target in [
        format!("{}#a", path(&url)),
        format!("{}\u{e9}", path(&url)),
        format!("/?{}", path(&url)),
    ] {
        let mut stream = server.client.tls(server.address(), Http::One).await.unwrap();
        let request = format!("POST {target} HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
            .await
            .unwrap();
        let mut answer = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 400 "));
    }
    assert_eq!(codes(&server, "w", 3).await, ["BAD_REQUEST"; 3]);
    let at_the_console = format!("{}{}", server.console(), path(&url));
    server.send(Http::Two, post(&at_the_console, GOOD)).await;
    assert_eq!(codes(&server, "w", 4).await[0], "WEBHOOK_NOT_FOUND");
}
