//! `hookgate webhook`: creates, changes and ends webhooks. A URL is printed only when it is created.

mod policy;

use std::io::IsTerminal;

use hookgate_domain::invisible::with_hidden_shown;
use hookgate_domain::webhook_id::find_webhook_ids;
use hookgate_domain::{
    Allowlist, KnownUrl, Policy, SenderFormat, Webhook, WebhookHandle, WebhookId, WebhookName,
};
use hookgate_gate::{Health, Issued, NewWebhook, Page, SigningSecret, Store};
use hookgate_wire as wire;
use serde_json::{Value, json};

use self::policy::{amend, joined, longer};
use super::usage;
use crate::app::{App, command_line_actor};
use crate::cli::{Options, PageArgs, PolicyArgs, SignatureScheme, WebhookCommand};
use crate::effect::{Effect, require_output};
use crate::failure::Failure;
use crate::output;
use crate::table::{Table, details};
use crate::text_input::piped_text;

pub(crate) async fn run(options: &Options, command: WebhookCommand) -> Result<(), Failure> {
    let app = App::open(options).await?;
    match command {
        WebhookCommand::Create { name, sender, policy } => {
            create(options.json, &app, name, sender, &policy).await
        }
        WebhookCommand::List(page) => list(options.json, &app, &page).await,
        WebhookCommand::Show(argument) => {
            let webhook = app.webhook(&argument.webhook).await?;
            let health = app.gate.health(std::slice::from_ref(&webhook)).await?;
            let mut once: Vec<_> = health
                .iter()
                .map(|health| ("health", json!(health.as_str())))
                .collect();
            if let Some(seen) = app.gate.retired_use(&webhook).await? {
                let seen = wire::RetiredUrlUse::from(seen);
                let shown = if options.json {
                    output::object(&seen)?
                } else {
                    json!(format!("since {}: {}", seen.since, seen.sentence()))
                };
                once.push(("retired_url_use", shown));
            }
            show(options.json, &app, &webhook, &once)
        }
        WebhookCommand::Edit {
            webhook,
            name,
            policy,
        } => edit(options.json, &app, &webhook.webhook, name.as_ref(), &policy).await,
        WebhookCommand::Allow { webhook, entries } => {
            allow(options.json, &app, &webhook.webhook, &entries).await
        }
        WebhookCommand::Regenerate(argument) => regenerate(options.json, &app, &argument.webhook).await,
        WebhookCommand::Revoke { webhook, yes } => revoke(options.json, &app, &webhook.webhook, yes).await,
        WebhookCommand::Usage { webhook, range } => {
            usage::usage(options.json, &app, &app.webhook(&webhook.webhook).await?, range).await
        }
        WebhookCommand::Preview { webhook, allow, days } => {
            let webhook = app.webhook(&webhook.webhook).await?;
            usage::preview(options.json, &app, &webhook, &joined(&allow)?, days).await
        }
        WebhookCommand::Suggest(argument) => {
            usage::suggest(options.json, &app, &app.webhook(&argument.webhook).await?).await
        }
        WebhookCommand::Which => which(options.json, &app).await,
    }
}

async fn create(
    json: bool,
    app: &App,
    name: WebhookName,
    format: SenderFormat,
    arguments: &PolicyArgs,
) -> Result<(), Failure> {
    let mut policy = Policy::default();
    amend(&mut policy, arguments)?;
    require_output()?;
    let signed = arguments.signature == Some(SignatureScheme::StandardWebhooks);
    let new = NewWebhook {
        name,
        format,
        policy,
        signed,
    };
    let created = app.gate.create(&command_line_actor(), new).await?;
    let (name, handle) = (&created.webhook.name, created.webhook.handle);
    let mut remedy = format!("run `hookgate webhook regenerate {handle}`");
    if signed {
        write_signature_remedy(&mut remedy, handle);
    }
    Effect::of(format!("the webhook {name} ({handle}) was created"))
        .or_else(remedy)
        .report(issued(json, app, &created))
}

async fn regenerate(json: bool, app: &App, argument: &str) -> Result<(), Failure> {
    let handle = app.webhook(argument).await?.handle;
    require_output()?;
    let regenerated = app.gate.regenerate(&command_line_actor(), handle).await?;
    let name = &regenerated.webhook.name;
    Effect::of(format!(
        "the webhook {name} has a new URL and the old one no longer works"
    ))
    .or_else(format!("run `hookgate webhook regenerate {handle}` again"))
    .report(issued(json, app, &regenerated))
}

/// Adds the way to get another signing secret.
fn write_signature_remedy(remedy: &mut String, handle: WebhookHandle) {
    remedy.push_str(" for a new URL, and `hookgate webhook edit ");
    remedy.push_str(&handle.to_string());
    remedy.push_str(" --signature standard-webhooks` for a new signing secret");
}

async fn edit(
    json: bool,
    app: &App,
    argument: &str,
    name: Option<&WebhookName>,
    arguments: &PolicyArgs,
) -> Result<(), Failure> {
    let handle = app.webhook(argument).await?.handle;
    let change = |current: &mut WebhookName, policy: &mut Policy| {
        if let Some(name) = name {
            current.clone_from(name);
        }
        if arguments.signature == Some(SignatureScheme::None) {
            policy.signing_secret = None;
        }
        amend(policy, arguments)
    };
    let gate = &app.gate;
    let done = |edited: &Webhook| Effect::of(format!("the webhook {} was changed", edited.name));
    if arguments.signature != Some(SignatureScheme::StandardWebhooks) {
        let edited = gate.edit(&command_line_actor(), handle, None, change).await?;
        return done(&edited).report(show(json, app, &edited, &[]));
    }
    require_output()?;
    let (edited, secret) = gate
        .require_signature(&command_line_actor(), handle, change)
        .await?;
    let (name, secret) = secret_field(&secret);
    done(&edited)
        .or_else(format!(
            "its new signing secret is lost; run `hookgate webhook edit {handle} --signature standard-webhooks` again"
        ))
        .report(show(json, app, &edited, &[(name, json!(secret))]))
}

/// Adds entries to the allowlist of a webhook.
async fn allow(json: bool, app: &App, argument: &str, entries: &[Allowlist]) -> Result<(), Failure> {
    let handle = app.webhook(argument).await?.handle;
    let change = |_: &mut WebhookName, policy: &mut Policy| {
        policy.allowlist = longer(&policy.allowlist, entries)?;
        Ok::<_, Failure>(())
    };
    let edited = app.gate.edit(&command_line_actor(), handle, None, change).await?;
    Effect::of(format!("the allowlist of {} was changed", edited.name)).report(show(json, app, &edited, &[]))
}

async fn list(json: bool, app: &App, page: &PageArgs) -> Result<(), Failure> {
    let size = page.limit;
    let after: Option<WebhookHandle> = match &page.cursor {
        Some(cursor) => Some(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `webhook list`"))?,
        ),
        None => None,
    };
    let found = app.gate.store().webhook_page(after, size.and_one()).await?;
    let Page {
        items: webhooks,
        next,
    } = Page::new(found, size, |row| row.handle, None);
    let next = next.map(|last| last.to_string());
    let now = app.gate.now();
    let health = app.gate.health(&webhooks).await?;
    let rows: Vec<_> = webhooks.iter().zip(health).collect();
    let object = |(webhook, health): &(&Webhook, Health)| {
        output::object(&wire::Webhook::new(webhook, now).with_health(*health))
    };
    let objects = rows.iter().map(object).collect::<Result<Vec<_>, _>>()?;
    let table = Table::of(output::WEBHOOK_HEADER, &rows, |(webhook, health)| {
        output::webhook_cells(webhook, *health, now)
    });
    output::list(json, &objects, &table, next.as_deref(), "webhooks")
}

async fn revoke(json: bool, app: &App, argument: &str, yes: bool) -> Result<(), Failure> {
    let webhook = app.webhook(argument).await?;
    if !yes {
        confirm(&webhook)?;
    }
    let revoked = app.gate.revoke(&command_line_actor(), webhook.handle).await?;
    Effect::of(format!("the webhook {} was revoked", revoked.name)).report(show(json, app, &revoked, &[]))
}

/// Asks a person to type the name; a script must pass `--yes`.
fn confirm(webhook: &Webhook) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "revoking is permanent; standard input is not a terminal, so add --yes",
        ));
    }
    output::remark(&format!(
        "Revoking is permanent: all requests to {} will be refused. Type its name to continue:",
        with_hidden_shown(webhook.name.as_str())
    ));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::unreadable_input)?;
    if answer.trim() == webhook.name.as_str() {
        Ok(())
    } else {
        Err(Failure::refused("not revoked: the name does not match"))
    }
}

async fn which(json: bool, app: &App) -> Result<(), Failure> {
    let text = piped_text()
        .map_err(Failure::usage)?
        .ok_or_else(|| Failure::usage("standard input is empty: give the URL there"))?;
    let id = webhook_id_in(text.trim())?;
    let store = app.gate.store();
    let found = store.url_by_digest(&id.digest()).await?;
    let (handle, url) = match found {
        None => return Err(Failure::not_found("no webhook of this store has or had this URL")),
        Some(KnownUrl::Live(webhook)) => (webhook.handle, "live"),
        Some(KnownUrl::Retired(retired)) => (retired.webhook, retired.because.as_str()),
    };
    let webhook = store
        .webhook_by_handle(handle)
        .await?
        .ok_or_else(|| Failure::not_found("no such webhook"))?;
    show(json, app, &webhook, &[("url_state", json!(url))])
}

/// The one webhook ID in a text, in any spelling.
fn webhook_id_in(text: &str) -> Result<WebhookId, Failure> {
    let mut found = find_webhook_ids(text.as_bytes());
    match (found.pop(), found.len()) {
        (Some(id), 0) => Ok(id),
        (Some(_), more) => Err(Failure::usage(format!(
            "standard input holds {} webhook URLs: give one at a time",
            more + 1
        ))),
        // The error explains the text that probably should have been a URL.
        (None, _) => last_segment(text)
            .parse()
            .map_err(|error| Failure::usage(format!("standard input holds no webhook URL: {error}"))),
    }
}

/// The last segment of a URL's path, or the text if it is no URL.
fn last_segment(url: &str) -> &str {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let path = url[..end].trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, segment)| segment)
}

fn issued(json: bool, app: &App, issued: &Issued) -> Result<(), Failure> {
    let mut once = vec![("url", wire::webhook_url(&app.public_url, issued))];
    once.extend(issued.signing_secret.as_ref().map(secret_field));
    let webhook = &issued.webhook;
    if json {
        let once: Vec<_> = once.into_iter().map(|(name, text)| (name, json!(text))).collect();
        return show(json, app, webhook, &once);
    }
    // Only the fields that are needed now; `webhook show` has the settings.
    let mut shown = vec![
        ("handle", webhook.handle.to_string()),
        ("name", webhook.name.to_string()),
    ];
    shown.extend(once);
    shown.extend(app.console_page(format_args!("webhooks/{}", webhook.handle)));
    Ok(output::lines(&details(shown))?)
}

fn secret_field(secret: &SigningSecret) -> (&'static str, String) {
    ("signing_secret", secret.reveal().to_string())
}

/// Prints a webhook, with fields that only this output shows.
fn show(json: bool, app: &App, webhook: &Webhook, once: &[(&'static str, Value)]) -> Result<(), Failure> {
    let now = app.gate.now();
    let mut object = output::object(&wire::Webhook::new(webhook, now))?;
    if !json {
        put_in_words(&mut object, webhook);
    }
    for (name, value) in once {
        object[*name] = value.clone();
    }
    output::thing(
        json,
        &object,
        app.console_page(format_args!("webhooks/{}", webhook.handle)),
    )
}

/// Replaces nulls and nested values of the JSON object with words.
fn put_in_words(object: &mut Value, webhook: &Webhook) {
    let entries = webhook.policy.allowlist.entries();
    object["allowlist"] = entries.map_or_else(
        || json!("every source"),
        |entries| entries.iter().map(ToString::to_string).collect(),
    );
    for (name, absent) in [
        ("per_minute", "no limit"),
        ("signature", "none"),
        ("rotation_days", "never"),
    ] {
        if object[name].is_null() {
            object[name] = json!(absent);
        }
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("allowlist_entries");
    }
}
