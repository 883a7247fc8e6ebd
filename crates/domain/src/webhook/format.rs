//! Sender formats by name. Parsing a format's payload is the crate `senders`' task.

use crate::keywords::keywords;

/// The sender format of a webhook. The name is part of its URL: `/webhooks/{format}/{WEBHOOK_ID}`.
///
/// ```
/// use hookgate_domain::SenderFormat;
///
/// assert_eq!("custom".parse(), Ok(SenderFormat::Custom));
/// assert_eq!(SenderFormat::UptimeKuma.to_string(), "uptime-kuma");
/// assert_eq!(SenderFormat::UptimeKuma.label(), "Uptime Kuma");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SenderFormat {
    /// Hookgate's own JSON: title, severity, status and so on.
    Custom,
    /// Any JSON, read by a mapping of the webhook.
    Json,
    /// The webhook of Prometheus Alertmanager.
    Alertmanager,
    /// Grafana's webhook contact point, and the notifications of Grafana 9 and older.
    Grafana,
    /// Slack's incoming webhooks, which many tools can call.
    Slack,
    /// Uptime Kuma's webhook notification.
    UptimeKuma,
    /// The webhooks of GitHub repositories and organizations.
    Github,
    /// The webhooks of Sentry's integrations.
    Sentry,
    /// Amazon SNS over HTTPS, with `CloudWatch` alarms or any text.
    Sns,
    /// `PagerDuty`'s Events API v2.
    PagerDuty,
    /// Opsgenie's Alert API.
    Opsgenie,
    /// The webhooks of GitLab projects and groups.
    Gitlab,
    /// Datadog's webhook integration.
    Datadog,
    /// `CloudEvents` over HTTP.
    CloudEvents,
    /// Azure Monitor's common alert schema.
    AzureMonitor,
    /// The webhook channel of Google Cloud Monitoring.
    GcpMonitoring,
    /// The webhook of New Relic workflows, and of its older alert policies.
    NewRelic,
    /// Apprise's JSON and form notifications.
    Apprise,
    /// `GoAlert`'s generic API.
    GoAlertGeneric,
    /// Cards for Microsoft Teams.
    Teams,
    /// The REST integration of Splunk On-Call.
    SplunkOnCall,
    /// Squadcast's incident webhook.
    Squadcast,
    /// Alerta's API.
    Alerta,
    /// Pingdom's webhook.
    Pingdom,
    /// The webhook of healthchecks.io.
    Healthchecks,
    /// `UptimeRobot`'s webhook.
    UptimeRobot,
    /// `StatusCake`'s webhook.
    StatusCake,
    /// Better Stack's outgoing webhook.
    BetterStack,
    /// A webhook media type of Zabbix.
    Zabbix,
    /// The outbound webhook plug-in of Jenkins.
    Jenkins,
    /// The webhook service of Argo CD's notifications.
    ArgoCd,
    /// The webhook target of Proxmox VE.
    Proxmox,
    /// Stripe's webhooks.
    Stripe,
    /// The API transport of `LibreNMS`.
    LibreNms,
    /// A notification script of Checkmk.
    Checkmk,
    /// Graylog's HTTP notification.
    Graylog,
    /// The HTTP POST alerter of `ElastAlert`.
    ElastAlert,
    /// The HTTP POST handler of Kapacitor.
    Kapacitor,
    /// The alert destination of `OpenObserve`.
    OpenObserve,
    /// The webhook of Netdata Cloud.
    NetdataCloud,
}

impl SenderFormat {
    /// The name of the tool as its makers write it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Custom => "Hookgate's own JSON",
            Self::Json => "Any JSON",
            Self::Alertmanager => "Prometheus Alertmanager",
            Self::Grafana => "Grafana",
            Self::Slack => "Slack-compatible",
            Self::UptimeKuma => "Uptime Kuma",
            Self::Github => "GitHub",
            Self::Sentry => "Sentry",
            Self::Sns => "Amazon SNS and CloudWatch",
            Self::PagerDuty => "PagerDuty Events v2",
            Self::Opsgenie => "Opsgenie",
            Self::Gitlab => "GitLab",
            Self::Datadog => "Datadog",
            Self::CloudEvents => "CloudEvents",
            Self::AzureMonitor => "Azure Monitor",
            Self::GcpMonitoring => "Google Cloud Monitoring",
            Self::NewRelic => "New Relic",
            Self::Apprise => "Apprise",
            Self::GoAlertGeneric => "GoAlert generic API",
            Self::Teams => "Microsoft Teams",
            Self::SplunkOnCall => "Splunk On-Call",
            Self::Squadcast => "Squadcast",
            Self::Alerta => "Alerta",
            Self::Pingdom => "Pingdom",
            Self::Healthchecks => "Healthchecks.io",
            Self::UptimeRobot => "UptimeRobot",
            Self::StatusCake => "StatusCake",
            Self::BetterStack => "Better Stack",
            Self::Zabbix => "Zabbix",
            Self::Jenkins => "Jenkins",
            Self::ArgoCd => "Argo CD",
            Self::Proxmox => "Proxmox VE",
            Self::Stripe => "Stripe",
            Self::LibreNms => "LibreNMS",
            Self::Checkmk => "Checkmk",
            Self::Graylog => "Graylog",
            Self::ElastAlert => "ElastAlert",
            Self::Kapacitor => "Kapacitor",
            Self::OpenObserve => "OpenObserve",
            Self::NetdataCloud => "Netdata Cloud",
        }
    }
}

keywords! {
    SenderFormat {
        Custom = "custom",
        Json = "json",
        Alertmanager = "alertmanager",
        Grafana = "grafana",
        Slack = "slack",
        UptimeKuma = "uptime-kuma",
        Github = "github",
        Sentry = "sentry",
        Sns = "sns",
        PagerDuty = "pagerduty",
        Opsgenie = "opsgenie",
        Gitlab = "gitlab",
        Datadog = "datadog",
        CloudEvents = "cloudevents",
        AzureMonitor = "azure-monitor",
        GcpMonitoring = "gcp-monitoring",
        NewRelic = "newrelic",
        Apprise = "apprise",
        GoAlertGeneric = "goalert-generic",
        Teams = "teams",
        SplunkOnCall = "splunk-oncall",
        Squadcast = "squadcast",
        Alerta = "alerta",
        Pingdom = "pingdom",
        Healthchecks = "healthchecks",
        UptimeRobot = "uptimerobot",
        StatusCake = "statuscake",
        BetterStack = "better-stack",
        Zabbix = "zabbix",
        Jenkins = "jenkins",
        ArgoCd = "argocd",
        Proxmox = "proxmox",
        Stripe = "stripe",
        LibreNms = "librenms",
        Checkmk = "checkmk",
        Graylog = "graylog",
        ElastAlert = "elastalert",
        Kapacitor = "kapacitor",
        OpenObserve = "openobserve",
        NetdataCloud = "netdata-cloud",
    }
    /// No sender format has this name.
    ///
    /// ```
    /// use hookgate_domain::SenderFormat;
    /// use hookgate_domain::webhook::UnknownSenderFormat;
    ///
    /// assert_eq!("Custom".parse::<SenderFormat>(), Err(UnknownSenderFormat));
    /// ```
    UnknownSenderFormat = "not a sender format"
}
