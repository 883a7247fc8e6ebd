//! The secret in a URL is nowhere but in its sender's hands: the server is flooded at the highest log level, and
//! everything it wrote is searched.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use hookgate_testkit::https::{Full, Http, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Server, dump, place, plain_tcp, post, run, run_as_is, sql};

/// Requests of each kind.
const FLOOD: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn no_webhook_id_is_written_anywhere() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("data");
    let log = scratch.path().join("log");
    let mut server = Server::start_in(&directory, "trace", Stdio::from(fs::File::create(&log).unwrap()));
    let old = server.create("old", &[]);
    let new = server.json(&["webhook", "regenerate", "old"])["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let dead = server.create("dead", &["--allow", "192.0.2.1"]);
    let closed = server.create("closed", &["--allow", "192.0.2.1"]);
    let damaged = server.create("damaged", &[]);
    let signed = server.create("signed", &["--signature", "standard-webhooks"]);
    server.json(&["webhook", "revoke", "dead", "--yes"]);
    sql(
        &directory,
        "UPDATE webhooks SET allowlist = 'garbage' WHERE name = 'damaged'",
    );
    let demo = server.demo_url();
    let urls = [&demo, &old, &new, &dead, &closed, &damaged, &signed];
    let mut secrets: Vec<String> = urls
        .iter()
        .map(|url| url.rsplit('/').next().unwrap().to_owned())
        .collect();
    // A URL with a typing error is nearly a secret.
    let mistyped = format!("{}x", &demo[..demo.len() - 1]);
    secrets.push(mistyped.rsplit('/').next().unwrap().to_owned());

    for url in urls.into_iter().chain([&mistyped]) {
        for http in Http::BOTH {
            flood(&server, http, url).await;
        }
        raw(&server, url).await;
    }
    for url in [&demo, &dead] {
        let which = run(&directory, &["webhook", "which"], url);
        assert!(which.status.success());
        no_secret("which", &which.stdout, &secrets);
    }
    server.deliveries(|items| items.len() >= 100).await;
    for arguments in [
        &["webhook", "list"][..],
        &["webhook", "show", "demo"],
        &["deliveries", "list", "--limit", "200"],
        &["incidents", "list", "--limit", "200"],
        &["webhook", "show", &secrets[0]],
        &["webhook", "create", &demo],
    ] {
        for output in [run(&directory, arguments, ""), plain_text(&directory, arguments)] {
            no_secret("standard output", &output.stdout, &secrets);
            // The last two have the secret in their arguments; what clap says of those is for whoever typed them.
            if !arguments.last().is_some_and(|last| last.contains("wh_")) {
                no_secret("standard error", &output.stderr, &secrets);
            }
        }
    }
    no_secret("dump", dump(&directory).as_bytes(), &secrets);
    search_files(&directory, &secrets);
    assert_eq!(server.signal("-TERM"), Some(0));
    search_files(&directory, &secrets);
    let logged = fs::read(&log).unwrap();
    assert!(
        logged.len() > 10_000,
        "there was something to search: {} bytes",
        logged.len()
    );
    no_secret("log", &logged, &secrets);
    no_digest("log", &logged, &secrets);
}

async fn flood(server: &Server, http: Http, url: &str) {
    let mut connection = server.client.connect(server.address(), http).await.unwrap();
    for number in 0..FLOOD {
        let request = match number % 6 {
            0 => post(url, &format!(r#"{{"title":"good {number}"}}"#)),
            1 => post(url, "{broken"),
            2 => post(url, r#"{"title":7}"#),
            3 => Request::get(url).body(Full::default()).unwrap(),
            4 => post(&format!("{url}/more?query=1"), "{}"),
            _ => Request::post(url)
                .header("content-encoding", "gzip")
                .header("referer", url)
                .header("x-forwarded-uri", format!("{}x", url.rsplit('/').next().unwrap()))
                .header("user-agent", format!("agent {url}"))
                .body(Full::default())
                .unwrap(),
        };
        if connection.send(request).await.is_err() {
            connection = server.client.connect(server.address(), http).await.unwrap();
        }
    }
}

/// What no client library sends.
async fn raw(server: &Server, url: &str) {
    let path = &url[server.ready["gate"].as_str().unwrap().len()..];
    plain_tcp(
        server.address(),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes(),
    );
    for request in [
        format!("POST {path} HTTP/1.1\nhost: a\n\n"),
        format!("POST {path}\u{e9} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("POST https://elsewhere.example{path} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("{path}\r\n\r\n"),
    ] {
        let mut stream = server.client.tls(server.address(), Http::One).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // The server may close however it likes.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

fn plain_text(directory: &Path, arguments: &[&str]) -> std::process::Output {
    let place = place(directory);
    let arguments: Vec<_> = arguments
        .iter()
        .map(std::ffi::OsStr::new)
        .chain(place.iter().map(AsRef::as_ref))
        .collect();
    run_as_is(&arguments, "")
}

fn search_files(directory: &Path, secrets: &[String]) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        no_secret(&path.display().to_string(), &fs::read(&path).unwrap(), secrets);
    }
}

/// Neither the whole ID nor what follows its hint.
fn no_secret(place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        let tail = &secret.as_bytes()[7..27];
        assert!(
            !bytes.windows(tail.len()).any(|window| window == tail),
            "{place} holds a webhook ID"
        );
    }
}

/// No digest in hexadecimal or base 64.
fn no_digest(place: &str, bytes: &[u8], secrets: &[String]) {
    use base64::Engine;
    for id in secrets
        .iter()
        .filter_map(|secret| secret.parse::<hookgate_domain::WebhookId>().ok())
    {
        let digest = *id.digest().as_bytes();
        let hex: String = digest
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|nibble| char::from_digit(nibble.into(), 16))
            .collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(digest);
        let text = String::from_utf8_lossy(bytes);
        for form in [
            &hex[..],
            &hex.to_uppercase(),
            &base64,
            &format!("{}, {}, {}, {}", digest[0], digest[1], digest[2], digest[3]),
        ] {
            assert!(!text.contains(form), "{place} holds a digest");
        }
    }
}
