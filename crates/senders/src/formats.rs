//! The formats of senders, a file each. A format turns a payload into changes of incidents. It refuses a payload only if it
//! can't be read, is not of the format, or opens an incident without a title. Everything else is an ornament: a value that
//! can't be used is left out.

mod alerta;
mod alertmanager;
mod apprise;
mod azure_monitor;
mod chat;
mod cloudevents;
mod datadog;
mod fields;
mod gcp_monitoring;
mod github;
mod gitlab;
mod goalert_generic;
mod grafana;
mod newrelic;
mod opsgenie;
mod pagerduty;
mod recognise;
mod sentry;
mod slack;
mod sns;
mod splunk_oncall;
mod squadcast;
mod teams;
mod uptime_kuma;

use hookgate_domain::SenderFormat;

pub use recognise::recognise;

use crate::content::{Content, decompressed};
use crate::custom;
use crate::error::PayloadError;
use crate::mapping::Mapping;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;
use crate::presets::preset;

/// Reads a payload of a format.
type Read = fn(&Payload<'_>, &Content<'_>, &FormatOptions) -> Result<Message, PayloadError>;

/// Reads a payload of this format.
///
/// # Errors
/// [`PayloadError`]. It never quotes the payload.
pub fn read_message(
    format: SenderFormat,
    payload: &Payload<'_>,
    options: &FormatOptions,
) -> Result<Message, PayloadError> {
    if format == SenderFormat::Custom {
        let draft = custom::read(payload.body, payload.declares_json())?;
        return Ok(Message::of(vec![draft.into()]));
    }
    let body = decompressed(payload)?;
    let content = Content::of(&body, payload)?;
    let Some(read) = reader(format) else {
        let mapping = mapping(format, options).ok_or(PayloadError::NOT_THIS_FORMAT)?;
        return mapping.read(payload, content, body.len());
    };
    let mut message = read(payload, &content, options).map_err(|error| match error {
        PayloadError::NotThisFormat { .. } => PayloadError::NotThisFormat {
            looks_like: recognise::content(payload, &content).filter(|other| *other != format),
        },
        other => other,
    })?;
    message.notes.extend(content.notes());
    Ok(message)
}

/// The mapping that reads a format: the webhook's own one, or a preset.
fn mapping(format: SenderFormat, options: &FormatOptions) -> Option<&Mapping> {
    match format {
        SenderFormat::Json => options.mapping.as_ref(),
        _ => preset(format),
    }
}

/// The function that reads a format; `None` if a mapping reads it.
fn reader(format: SenderFormat) -> Option<Read> {
    Some(match format {
        SenderFormat::Alertmanager => alertmanager::read,
        SenderFormat::Grafana => grafana::read,
        SenderFormat::Slack => slack::read,
        SenderFormat::UptimeKuma => uptime_kuma::read,
        SenderFormat::Github => github::read,
        SenderFormat::Sentry => sentry::read,
        SenderFormat::Sns => sns::read,
        SenderFormat::PagerDuty => pagerduty::read,
        SenderFormat::Opsgenie => opsgenie::read,
        SenderFormat::Gitlab => gitlab::read,
        SenderFormat::Datadog => datadog::read,
        SenderFormat::CloudEvents => cloudevents::read,
        SenderFormat::AzureMonitor => azure_monitor::read,
        SenderFormat::GcpMonitoring => gcp_monitoring::read,
        SenderFormat::NewRelic => newrelic::read,
        SenderFormat::Apprise => apprise::read,
        SenderFormat::GoAlertGeneric => goalert_generic::read,
        SenderFormat::SplunkOnCall => splunk_oncall::read,
        SenderFormat::Squadcast => squadcast::read,
        SenderFormat::Alerta => alerta::read,
        SenderFormat::Teams => teams::read,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
