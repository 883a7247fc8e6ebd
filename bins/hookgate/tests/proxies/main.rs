//! The true client address behind real proxies, configured by the samples of the documentation. Clients, proxy and gate are
//! separate hosts.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod network;
mod stage;

use serde_json::Value;
use stage::Stage;

const BEHIND: &str = "trusted_proxies = [\"10.0.0.2\"]";
/// Headers with which a client may try to pass for another.
const SPOOFED: [&str; 6] = [
    "X-Forwarded-For: 192.0.2.66",
    "X-Forwarded-For: 10.0.0.2",
    "Forwarded: for=192.0.2.66;proto=https",
    "Forwarded: for=\"",
    "X-Real-IP: 192.0.2.66",
    "X-Forwarded-For: unknown, ,garbage",
];

/// A proxy that passes TLS through and reports the client by the PROXY protocol.
fn passes_through(program: &str, sample: &str, change: impl Fn(String) -> String) {
    let mut stage = Stage::set(&format!("{BEHIND}\nproxy_protocol = true"));
    stage.proxy(program, sample, change);
    the_client_is_seen(&stage);
    strangers_change_nothing(&stage);
}

/// A proxy that terminates TLS and reports the client in a header.
fn re_encrypts(program: &str, sample: &str, header: &str, change: impl Fn(String) -> String) {
    let mut stage = Stage::set(&format!("{BEHIND}\nforwarded = \"{header}\""));
    stage.proxy(program, sample, change);
    the_client_is_seen(&stage);
    strangers_change_nothing(&stage);
    no_url_is_logged(stage);
}

/// The proxy sees every URL, and logs none of them even if Hookgate can't be reached.
fn no_url_is_logged(mut stage: Stage) {
    stage.stop_gate();
    let answer = stage.send("203.0.113.9", &[]);
    // Caddy may end the stream before it answers.
    assert!(matches!(answer.status, 0 | 500..), "{answer:?}");
    let log = stage.proxy_log();
    assert!(!log.contains("/webhooks/"), "{log}");
}

/// The source of each delivery is the client's own address, whatever it writes; and the allowlist checks that address.
fn the_client_is_seen(stage: &Stage) {
    let mut sent = 0;
    for client in ["203.0.113.9", "203.0.113.10", "2001:db8:1::9"] {
        for headers in [
            &[][..],
            &SPOOFED[..1],
            &SPOOFED[1..2],
            &SPOOFED[2..3],
            &SPOOFED[3..4],
            &SPOOFED,
        ] {
            let answer = stage.send(client, headers);
            assert_eq!(answer.status, 201, "{client} {headers:?}: {}", answer.body);
            sent += 1;
            assert_eq!(stage.newest(sent)["source"], client, "{headers:?}");
        }
    }
    stage.hookgate(&[
        "webhook",
        "edit",
        "demo",
        "--allow",
        "203.0.113.9, 2001:db8:1::/64",
    ]);
    for (client, status) in [
        ("203.0.113.9", 201),
        ("2001:db8:1::9", 201),
        ("203.0.113.10", 403),
    ] {
        let answer = stage.send(client, &["X-Forwarded-For: 203.0.113.9"]);
        assert_eq!(answer.status, status, "{client}: {}", answer.body);
        sent += 1;
    }
    let refused = stage.newest(sent);
    assert_eq!(
        (&refused["source"], &refused["code"]),
        (&"203.0.113.10".into(), &"IP_NOT_ALLOWED".into())
    );
    let sentence = refused["trail"]["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("203.0.113.10 was reported by the trusted proxy 10.0.0.2 in "),
        "{sentence}"
    );
    stage.hookgate(&["webhook", "edit", "demo", "--allow-any"]);
}

/// The source of an untrusted client is its own address, whatever it writes before or in its request.
fn strangers_change_nothing(stage: &Stage) {
    let mut records = stage.hookgate(&["deliveries", "list", "--limit", "200"])["items"]
        .as_array()
        .map_or(0, Vec::len);
    for stranger in ["198.51.100.9", "2001:db8:2::9"] {
        let answer = stage.send_direct(stranger, &SPOOFED, &[]);
        assert_eq!(answer.status, 201, "{}", answer.body);
        records += 1;
        assert_eq!(stage.newest(records)["source"], stranger);
        // A PROXY header of an untrusted client is neither TLS nor HTTP: nothing of it is used.
        let answer = stage.send_direct(stranger, &[], &["--haproxy-protocol"]);
        assert!(!(200..300).contains(&answer.status), "{answer:?}");
    }
    stage.hookgate(&["webhook", "edit", "demo", "--allow", "203.0.113.9"]);
    let answer = stage.send_direct("198.51.100.9", &["X-Forwarded-For: 203.0.113.9"], &[]);
    assert_eq!(answer.status, 403, "{}", answer.body);
    let sentence = stage.newest(records + 1)["trail"]["sentence"].clone();
    assert_eq!(
        sentence,
        Value::from(
            "198.51.100.9 connected directly. Its X-Forwarded-For header was ignored because 198.51.100.9 is not a trusted proxy"
        )
    );
}

#[test]
fn nginx_passes_through() {
    passes_through("nginx", "nginx-pass-through.conf", |text| text);
}

#[test]
fn haproxy_passes_through_by_version_2() {
    passes_through("haproxy", "haproxy-pass-through.cfg", |text| text);
}

#[test]
fn haproxy_passes_through_by_version_1() {
    passes_through("haproxy", "haproxy-pass-through.cfg", |text| {
        text.replace("10.0.0.3:8443 send-proxy-v2", "10.0.0.3:8443 send-proxy")
    });
}

#[test]
fn nginx_re_encrypts() {
    re_encrypts("nginx", "nginx-re-encrypt.conf", "x-forwarded-for", |text| text);
}

#[test]
fn haproxy_re_encrypts() {
    re_encrypts("haproxy", "haproxy-re-encrypt.cfg", "x-forwarded-for", |text| {
        text
    });
}

/// Debian's `haproxy` can't write `Forwarded` by itself, so the test adds the rule.
#[test]
fn haproxy_re_encrypts_with_forwarded() {
    re_encrypts("haproxy", "haproxy-re-encrypt.cfg", "forwarded", |text| {
        text.replace("    option forwardfor\n", "    http-request del-header X-Forwarded-For\n").replace(
            "    http-request del-header Forwarded\n",
            "    acl v6 src ::/0\n    http-request add-header Forwarded \"for=%[src];proto=https\" unless v6\n    \
             http-request add-header Forwarded 'for=\"[%[src]]\";proto=https' if v6\n",
        )
    });
}

#[test]
fn caddy_re_encrypts() {
    re_encrypts("caddy", "Caddyfile", "x-forwarded-for", |text| text);
}

/// A proxy that is not configured: its headers are ignored, and an allowlist refuses.
#[test]
fn an_untrusted_proxy_fails_closed() {
    let mut stage = Stage::set("");
    stage.proxy("nginx", "nginx-re-encrypt.conf", |text| text);
    assert_eq!(stage.send("203.0.113.9", &[]).status, 201);
    assert_eq!(stage.newest(1)["source"], "10.0.0.2");
    assert_eq!(stage.send("203.0.113.10", &[]).status, 201);
    stage.newest(2);
    let doctor = stage.hookgate(&["doctor"])["findings"][0].clone();
    let finding = doctor["finding"].as_str().unwrap();
    assert!(
        finding.contains(
            "came from one private address, 10.0.0.2. It is probably a proxy that is not trusted yet"
        ),
        "{finding}"
    );
    stage.hookgate(&["webhook", "edit", "demo", "--allow", "203.0.113.9"]);
    assert_eq!(stage.send("203.0.113.9", &[]).status, 403);
    let record = stage.newest(3);
    assert_eq!(
        record["trail"]["hops"],
        serde_json::json!(["x-forwarded-for untrusted", "connection 10.0.0.2 client"])
    );
}

/// Proxies may be trusted by the name of an address set; a proxy that leaves the set is no longer trusted.
#[test]
fn a_set_of_proxies_is_trusted_as_long_as_it_names_them() {
    let gate = "trusted_proxies = [\"@front\"]\nforwarded = \"x-forwarded-for\"";
    let mut stage = Stage::with_set(gate, Some(("front", "10.0.0.2")));
    stage.proxy("nginx", "nginx-re-encrypt.conf", |text| text);
    assert_eq!(stage.send("203.0.113.9", &[]).status, 201);
    assert_eq!(stage.newest(1)["source"], "203.0.113.9");
    stage.hookgate(&["addresses", "edit", "front", "--network", "10.0.0.7"]);
    let mut records = 1;
    for _ in 0..60 {
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!(stage.send("203.0.113.9", &[]).status, 201);
        records += 1;
        if stage.newest(records)["source"] == "10.0.0.2" {
            return;
        }
    }
    panic!("a proxy that left the set is still believed");
}

/// A trusted proxy that breaks the agreed protocol is refused; there is no fallback.
#[test]
fn a_proxy_that_says_nothing_useful_is_refused() {
    let mut stage = Stage::set(&format!("{BEHIND}\nforwarded = \"x-forwarded-for\""));
    stage.proxy("nginx", "nginx-re-encrypt.conf", |text| {
        text.replace("$proxy_add_x_forwarded_for", "unknown")
    });
    let answer = stage.send("203.0.113.9", &[]);
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("\"SOURCE_UNKNOWN\""), "{}", answer.body);
    let record = stage.newest(1);
    assert_eq!(
        (&record["source"], &record["code"]),
        (&"10.0.0.2".into(), &"SOURCE_UNKNOWN".into())
    );
    let mut stage = Stage::set(&format!("{BEHIND}\nforwarded = \"x-forwarded-for\""));
    stage.proxy("nginx", "nginx-re-encrypt.conf", |text| {
        text.replace("$proxy_add_x_forwarded_for", "\"\"")
    });
    assert_eq!(
        stage.send("203.0.113.9", &[]).status,
        201,
        "every address may pass"
    );
    assert_eq!(stage.newest(1)["source"], "10.0.0.2");
    stage.send("203.0.113.9", &[]);
    stage.newest(2);
    let doctor = stage.hookgate(&["doctor"]).to_string();
    assert!(
        doctor.contains("10.0.0.2, which is trusted but sends no client address"),
        "{doctor}"
    );
    stage.hookgate(&["webhook", "edit", "demo", "--allow", "10.0.0.0/8, 203.0.113.9"]);
    let answer = stage.send("203.0.113.9", &[]);
    assert_eq!(
        answer.status, 400,
        "the proxy's own address is nobody's: {}",
        answer.body
    );
    assert_eq!(
        stage.newest(3)["trail"]["sentence"],
        "the client's address is unknown: X-Forwarded-For of the trusted proxy 10.0.0.2 is missing or empty"
    );
    // By the PROXY protocol, the connection ends.
    let mut stage = Stage::set(&format!("{BEHIND}\nproxy_protocol = true"));
    stage.proxy("haproxy", "haproxy-pass-through.cfg", |text| {
        text.replace(" send-proxy-v2 check check-send-proxy inter 2s fall 2 rise 1", "")
    });
    let answer = stage.send("203.0.113.9", &[]);
    assert_eq!(answer.status, 0, "{answer:?}");
}
