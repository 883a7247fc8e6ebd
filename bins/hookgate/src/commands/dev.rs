//! `hookgate dev`: everything in one directory, without configuration. It creates a certificate and a demo webhook, prints a
//! command to paste, and shows each delivery as it arrives.

use std::io::Write;
use std::path::Path;

use hookgate_admin::Addresses;
use hookgate_domain::{Policy, SenderFormat};
use hookgate_gate::{DeliveryFilter, Gate, Issued, NewWebhook, PageSize, Retention, Store};
use hookgate_storage::{Database, ServerLock};
use hookgate_transport::tls::MinTls;
use hookgate_wire as wire;
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;

use super::deliveries;
use crate::app::{self, App};
use crate::certificate_files::CertificateFiles;
use crate::cli::{DevArgs, Options};
use crate::config::{self, FrontSettings, WithoutFile};
use crate::effect::Effect;
use crate::failure::Failure;
use crate::server::{Plan, Server};
use crate::{dev_certificate, logging, output};

/// Name of the webhook of the first start.
const DEMO: &str = "demo";

pub(crate) async fn run(options: &Options, arguments: &DevArgs) -> Result<(), Failure> {
    if options.config.is_some() {
        return Err(Failure::usage(
            "dev uses no configuration file; use `hookgate serve --config FILE`",
        ));
    }
    let environment = config::environment();
    let settings = WithoutFile(&environment);
    let lists = settings.lists()?;
    logging::start(settings.log_level()?.unwrap_or(LevelFilter::WARN));
    lists.fetcher()?;
    // The printed commands must work in another terminal, in any directory.
    let directory = std::path::absolute(app::data_directory(options))
        .map_err(|error| Failure::usage(format!("can't tell where the data directory is: {error}")))?;
    let _lock = ServerLock::acquire(&directory)?;
    let app = App::of_data(&directory).await?;
    let files = dev_certificate::ensure(&directory)?;
    let plan = Plan {
        listen: arguments.gate,
        plain_listen: None,
        idle_timeout: None,
        configuration: None,
        public_url: None,
        ca: Some(files.ca.clone()),
        min_tls: MinTls::default(),
        certificate: CertificateFiles {
            section: None,
            chain: files.chain,
            key: files.key,
        },
        console_listen: arguments.console(),
        console_certificate: None,
        console_url: None,
        retention: Retention::default(),
        front: FrontSettings::default(),
        console_front: FrontSettings::default(),
        lists,
    };
    // The port is bound before the webhook is created: if binding failed, its URL would never be shown.
    let server = Server::bind(app.gate, plan).await?;
    let gate = server.gate();
    let addresses = server.addresses();
    app::remember_addresses(gate.store(), addresses).await?;
    let demo = first_webhook(&gate).await?;
    let (secret, ..) = gate.sign_in_link(&app::command_line_actor(), None).await?;
    let greeting = Greeting {
        directory: &directory,
        ca: &files.ca,
        addresses,
        sign_in: wire::sign_in_url(&addresses.console, &secret),
        url: demo
            .as_ref()
            .map(|issued| wire::webhook_url(&addresses.gate, issued)),
    };
    let printed = if options.json {
        output::line(&output::json(&greeting.json(demo.as_ref()))?)
    } else {
        greeting.print()
    };
    made(&directory, demo.as_ref()).report(printed.map_err(Failure::from))?;
    if !options.json {
        tokio::spawn(show(gate));
    }
    server.run().await
}

/// Creates the demo webhook in a store without webhooks.
async fn first_webhook(gate: &Gate<Database>) -> Result<Option<Issued>, Failure> {
    const ONE: PageSize = PageSize::new(1).unwrap();
    if !gate.store().webhook_page(None, ONE).await?.is_empty() {
        return Ok(None);
    }
    let name = DEMO.parse().map_err(Failure::failed)?;
    let new = NewWebhook {
        name,
        format: SenderFormat::Custom,
        policy: Policy::default(),
        signed: false,
    };
    Ok(Some(gate.create(&app::command_line_actor(), new).await?))
}

/// The changes that were made before the greeting.
fn made(directory: &Path, demo: Option<&Issued>) -> Effect {
    let data = quoted(directory);
    match demo {
        Some(issued) => {
            Effect::of(format!("the webhook {} was created", issued.webhook.name)).or_else(format!(
                "its URL is lost; run `hookgate webhook regenerate {} --data {data}`",
                issued.webhook.handle
            ))
        }
        None => Effect::of("a sign-in link was created").or_else(format!(
            "run `hookgate sign-in-link --data {data}` for another one"
        )),
    }
}

/// The output after the server has bound its ports.
struct Greeting<'a> {
    directory: &'a Path,
    ca: &'a Path,
    addresses: &'a Addresses,
    /// The one-time link that signs the owner in.
    sign_in: String,
    /// The URL of the demo webhook, if it was created now.
    url: Option<String>,
}

impl Greeting<'_> {
    /// The greeting as one line of JSON.
    fn json(&self, demo: Option<&Issued>) -> Value {
        let webhook =
            demo.map(|issued| json!({"handle": issued.webhook.handle.to_string(), "url": self.url}));
        json!({
            "gate": self.addresses.gate,
            "console": self.addresses.console,
            "ca": self.ca.display().to_string(),
            "sign_in": self.sign_in,
            "webhook": webhook,
        })
    }

    /// For people.
    fn print(&self) -> std::io::Result<()> {
        let (directory, ca) = (self.directory.display(), self.ca.display());
        let [data, cacert] = [self.directory, self.ca].map(quoted);
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "Hookgate {}, dev mode: all data is in {directory} (delete it to start over)\n",
            env!("CARGO_PKG_VERSION"),
        )?;
        writeln!(
            out,
            "  Gate     {}\n  Console  {}\n  Sign in  {}\n           one use, within 30 minutes; for another: hookgate sign-in-link --data {data}\n  CA file  {ca} (of this machine alone)",
            self.addresses.gate, self.addresses.console, self.sign_in
        )?;
        match &self.url {
            Some(url) => {
                writeln!(
                    out,
                    "  Webhook  {DEMO}; its URL is a secret and shown only once:\n           {url}\n"
                )?;
                writeln!(out, "Try it in another terminal:\n")?;
                writeln!(
                    out,
                    "  curl --cacert {cacert} {url} \\\n       -H 'content-type: application/json' -d '{{\"title\":\"Disk full on db1\"}}'\n",
                )?;
            }
            None => writeln!(
                out,
                "\nWebhook URLs are shown only when they are created. For a new one:\n\n  hookgate webhook regenerate {DEMO} --data {data}\n",
            )?,
        }
        writeln!(out, "Waiting for deliveries (Ctrl-C stops):")?;
        out.flush()
    }
}

/// Quotes a path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Prints deliveries as they arrive, read from the store.
async fn show(gate: std::sync::Arc<Gate<Database>>) {
    let print = async |record: &hookgate_gate::DeliverySummary| {
        Ok(output::line(&format!("  {}", output::delivery_line(record)))?)
    };
    if let Err(failure) = deliveries::follow(gate.store(), &DeliveryFilter::default(), None, print).await {
        tracing::warn!(?failure, "deliveries are no longer shown");
    }
}
