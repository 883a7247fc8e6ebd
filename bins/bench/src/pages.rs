//! The console's pages with a million deliveries in the store: the server's time for each page, and its size.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::figures::Figures;
use super::server::Server;
use xtask::process::{Outcome, root, say};

/// Requests for each page; the median counts.
const TIMES: usize = 15;
/// Fills the store: deliveries of 30 days to 20 webhooks from 200 sources, a tenth of them refused, and 20,000 incidents.
const FILL: &str = "bins/bench/src/fill.sql";
/// The names and paths of the pages; `{webhook}` stands for the handle of a webhook.
const PAGES: [(&str, &str); 22] = [
    ("webhooks", "/webhooks"),
    ("webhook_hour", "/webhooks/{webhook}?range=1h"),
    ("webhook_day", "/webhooks/{webhook}"),
    ("webhook_week", "/webhooks/{webhook}?range=7d"),
    ("webhook_month", "/webhooks/{webhook}?range=30d"),
    ("webhook_edit", "/webhooks/{webhook}/edit"),
    ("webhook_regenerate", "/webhooks/{webhook}/regenerate"),
    ("webhook_revoke", "/webhooks/{webhook}/revoke"),
    ("logs", "/logs"),
    ("logs_deep", "/logs?cursor=dlv_000000000f8s0"),
    ("logs_refused", "/logs?outcome=refused"),
    ("logs_rare_code", "/logs?code=RATE_LIMITED"),
    ("logs_rare_source", "/logs?source=203.0.113.9"),
    ("logs_network", "/logs?source=198.51.100.0/28&webhook={webhook}"),
    (
        "logs_from",
        "/logs?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&outcome=refused",
    ),
    ("delivery", "/deliveries/dlv_000000000f8s0"),
    ("incidents", "/incidents"),
    ("incidents_open", "/incidents?status=open"),
    ("incident", "/incidents/INC-777"),
    ("members", "/members"),
    ("tokens", "/tokens"),
    ("audit", "/audit"),
];

/// Previews over the million deliveries: of the allowlist of one webhook, and of an address set that all allowlists
/// use.
const PREVIEWS: [(&str, &str, &str); 2] = [
    (
        "allowlist",
        "/api/v1/webhooks/{webhook}/allowlist/preview",
        r#"{"allowlist":["198.51.100.0/28","203.0.113.0/24"],"days":30}"#,
    ),
    (
        "address_set",
        "/api/v1/address-sets/senders/preview",
        r#"{"networks":["198.51.100.0/28","203.0.113.0/24"],"days":30}"#,
    ),
];

/// Measures every page.
pub(crate) fn run(scratch: &Path, figures: &mut Figures) -> Outcome<()> {
    let directory = scratch.join("pages");
    let webhook = prepare(&directory)?;
    let (server, ready) = Server::dev(&directory)?;
    let token = server.command(&directory, &["token", "create", "bench", "--role", "admin"])?;
    let token = token["token"].as_str().ok_or("no token")?;
    let browser = Browser::sign_in(&directory, &ready, token)?;
    let mut slowest = Page::default();
    let mut largest = Page::default();
    for (name, path) in PAGES {
        let page = browser.median(&path.replace("{webhook}", &webhook))?;
        say(&format!("page {name}: {:.1} ms, {:.1} KB", page.ms, page.kb));
        figures.add(format!("pages.{name}.ms"), page.ms);
        figures.add(format!("pages.{name}.kb"), page.kb);
        if page.ms > slowest.ms {
            slowest = page;
        }
        if page.kb > largest.kb {
            largest = page;
        }
    }
    for (name, path, body) in PREVIEWS {
        let took = browser.median_post(&path.replace("{webhook}", &webhook), body)?;
        say(&format!("preview {name}: {took:.1} ms"));
        figures.add(format!("previews.{name}.ms"), took);
    }
    figures.add("pages.slowest_ms", slowest.ms);
    figures.add("pages.largest_kb", largest.kb);
    figures.add("pages.resident_mib", server.resident_mib()?);
    Ok(())
}

/// Makes a store with a million deliveries, and returns the handle of one of its webhooks.
fn prepare(directory: &Path) -> Outcome<String> {
    let (server, ready) = Server::dev(directory)?;
    let webhook = ready["webhook"]["handle"]
        .as_str()
        .ok_or("no demo webhook")?
        .to_owned();
    let set = [
        "addresses",
        "create",
        "senders",
        "--network",
        "198.51.100.0/24,203.0.113.0/24",
    ];
    server.command(directory, &set)?;
    server.command(directory, &["webhook", "edit", &webhook, "--allow", "@senders"])?;
    for number in 2..=20 {
        let name = format!("webhook {number}");
        server.command(directory, &["webhook", "create", &name, "--allow", "@senders"])?;
    }
    drop(server);
    say("storing a million deliveries");
    let output = Command::new("sqlite3")
        .arg("-bail")
        .arg(directory.join("hookgate.db"))
        .stdin(File::open(root().join(FILL))?)
        .output()?;
    if output.status.success() && output.stderr.is_empty() {
        return Ok(webhook);
    }
    Err(String::from_utf8_lossy(&output.stderr).into())
}

/// The measurement of a page.
#[derive(Clone, Copy, Debug, Default)]
struct Page {
    ms: f64,
    kb: f64,
}

/// A signed-in member, who uses curl.
struct Browser {
    origin: String,
    arguments: Vec<String>,
    /// The header field that authorizes requests of the admin API.
    authorization: String,
}

impl Browser {
    fn sign_in(directory: &Path, ready: &Value, token: &str) -> Outcome<Self> {
        let text = |name: &str| ready[name].as_str().map(str::to_owned).ok_or(name.to_owned());
        let (origin, link) = (text("console")?, text("sign_in")?);
        let jar = directory.join("cookies").display().to_string();
        let arguments = [
            "--silent",
            "--fail",
            "--cacert",
            &text("ca")?,
            "--cookie",
            &jar,
            "--cookie-jar",
            &jar,
        ];
        let arguments = arguments.map(str::to_owned).to_vec();
        let browser = Self {
            origin,
            arguments,
            authorization: format!("Authorization: Bearer {token}"),
        };
        let origin = format!("Origin: {}", browser.origin);
        browser.curl(&["--header", &origin, "--data", "csrf=", &link])?;
        Ok(browser)
    }

    /// Measures a page, after one request that fills caches.
    fn median(&self, path: &str) -> Outcome<Page> {
        let url = format!("{}{path}", self.origin);
        let mut times = Vec::with_capacity(TIMES);
        let mut kb = 0.0;
        self.curl(&["--output", "/dev/null", &url])?;
        for _ in 0..TIMES {
            // The server's time alone: connection and handshake are complete before the request is sent.
            let format = "%{time_pretransfer} %{time_total} %{size_download}";
            let text = self.curl(&["--output", "/dev/null", "--write-out", format, &url])?;
            let figures: Vec<f64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [before, after, bytes] = figures[..] else {
                return Err(format!("curl said {text:?}").into());
            };
            times.push((after - before) * 1000.0);
            kb = bytes / 1000.0;
        }
        times.sort_by(f64::total_cmp);
        Ok(Page {
            ms: times[TIMES / 2],
            kb,
        })
    }

    /// Measures a POST to the admin API, in milliseconds.
    fn median_post(&self, path: &str, body: &str) -> Outcome<f64> {
        let url = format!("{}{path}", self.origin);
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let json = "Content-Type: application/json";
            let request = ["--header", &self.authorization, "--header", json, "--data", body];
            let format = [
                "--output",
                "/dev/null",
                "--write-out",
                "%{time_pretransfer} %{time_total}",
            ];
            let text = self.curl(&[&request[..], &format, &[&url]].concat())?;
            let figures: Vec<f64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [before, after] = figures[..] else {
                return Err(format!("curl said {text:?}").into());
            };
            times.push((after - before) * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[TIMES / 2])
    }

    fn curl(&self, more: &[&str]) -> Outcome<String> {
        let output = Command::new("curl").args(&self.arguments).args(more).output()?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?)
        } else {
            Err(format!("curl {more:?}: {}", output.status).into())
        }
    }
}
