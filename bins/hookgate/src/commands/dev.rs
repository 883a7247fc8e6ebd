//! `hookgate dev`: everything in one directory, nothing to edit. It makes a certificate and a demo webhook, prints a
//! command to paste, and shows each delivery as it comes.

use std::io::Write;
use std::path::Path;

use hookgate_domain::{Policy, SenderFormat};
use hookgate_gate::{DeliveryFilter, Gate, Issued, NewWebhook, PageSize, Retention, Store};
use hookgate_storage::{Database, OpenMode, ServerLock};
use serde_json::json;
use tracing::level_filters::LevelFilter;

use super::deliveries;
use crate::cli::{Cli, DevArgs};
use crate::failure::Failure;
use crate::place::{self, Place, webhook_url};
use crate::server::{Plan, Server};
use crate::{dev_certificate, logging, output};

/// The webhook of the first start.
const DEMO: &str = "demo";

pub(crate) async fn run(cli: &Cli, arguments: &DevArgs) -> Result<(), Failure> {
    if cli.config.is_some() {
        return Err(Failure::usage(
            "dev takes no configuration; use `hookgate serve --config FILE`",
        ));
    }
    let level = std::env::var("HOOKGATE_LOG_LEVEL")
        .ok()
        .and_then(|level| level.parse().ok());
    logging::start(level.unwrap_or(LevelFilter::WARN));
    let directory = place::data_directory(cli);
    let _lock = ServerLock::acquire(&directory)?;
    let place = Place::of_data(&directory, OpenMode::Create).await?;
    let files = dev_certificate::ensure(&directory)?;
    let plan = Plan {
        listen: arguments.gate,
        plain_listen: None,
        certificate: files.chain,
        key: files.key,
        retention: Retention::default(),
    };
    // The port is bound before a URL is made: a URL that nobody gets to see would be lost.
    let server = Server::bind(place.gate, plan).await?;
    let gate = server.gate();
    let public_url = format!("https://localhost:{}", server.address().port());
    place::remember_public_url(gate.store(), &public_url).await?;
    let demo = first_webhook(&gate).await?;
    let url = demo.as_ref().map(|issued| webhook_url(&public_url, issued));
    let ca = std::path::absolute(&files.ca)?;
    if cli.json {
        let webhook = demo.map(|issued| json!({"handle": issued.webhook.handle.to_string(), "url": url}));
        output::line(
            &json!({"gate": public_url, "console": null, "ca": ca, "sign_in": null, "webhook": webhook})
                .to_string(),
        )?;
    } else {
        greet(&directory, &files.ca, &public_url, url.as_deref())?;
        tokio::spawn(show(gate));
    }
    server.run().await
}

/// Makes the demo webhook in a store that has no webhook yet.
async fn first_webhook(gate: &Gate<Database>) -> Result<Option<Issued>, Failure> {
    let one = PageSize::new(1).unwrap_or_default();
    if !gate.store().webhook_page(None, one).await?.is_empty() {
        return Ok(None);
    }
    let name = DEMO.parse().map_err(Failure::failed)?;
    let new = NewWebhook {
        name,
        format: SenderFormat::Custom,
        policy: Policy::default(),
        signed: false,
    };
    Ok(Some(gate.create(new).await?))
}

fn greet(directory: &Path, ca: &Path, public_url: &str, url: Option<&str>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Hookgate {}, dev mode: all data is in {} (delete it to start over)\n",
        env!("CARGO_PKG_VERSION"),
        directory.display()
    )?;
    writeln!(
        out,
        "  Gate     {public_url}\n  CA file  {} (of this machine alone)",
        ca.display()
    )?;
    match url {
        Some(url) => {
            writeln!(
                out,
                "  Webhook  {DEMO}; its URL is a secret and shown this once:\n           {url}\n"
            )?;
            writeln!(out, "Try it in another terminal:\n")?;
            writeln!(
                out,
                "  curl --cacert {} {url} \\\n       -H 'content-type: application/json' -d '{{\"title\":\"Disk full on db1\"}}'\n",
                ca.display()
            )?;
        }
        None => writeln!(
            out,
            "\nWebhook URLs were shown when they were made. For a new one:\n\n  hookgate webhook regenerate {DEMO} --data {}\n",
            directory.display()
        )?,
    }
    writeln!(out, "Waiting for deliveries (Ctrl-C stops):")?;
    out.flush()
}

/// Prints deliveries as they come, from the store like everybody else.
async fn show(gate: std::sync::Arc<Gate<Database>>) {
    let print = async |record: &hookgate_gate::DeliverySummary| {
        Ok(output::line(&format!("  {}", output::delivery_line(record)))?)
    };
    if let Err(failure) = deliveries::follow(gate.store(), &DeliveryFilter::default(), None, print).await {
        tracing::warn!(?failure, "deliveries are no longer shown");
    }
}
