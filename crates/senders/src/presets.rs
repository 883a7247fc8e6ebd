//! Mappings of tools that send JSON or forms without quirks. Each is a data file in `presets`.

use std::sync::LazyLock;

use hookgate_domain::SenderFormat;

use crate::mapping::Mapping;

/// Looks a preset up. Each is parsed when it is first needed.
macro_rules! presets {
    ($format:expr, $($variant:ident = $name:literal),+ $(,)?) => {
        match $format {
            $(SenderFormat::$variant => {
                static PRESET: LazyLock<Mapping> = LazyLock::new(|| parse(include_str!(concat!("../presets/", $name, ".toml"))));
                Some(&PRESET)
            })+
            _ => None,
        }
    };
}

/// Parses a preset. A test parses all of them.
fn parse(text: &str) -> Mapping {
    Mapping::parse(text).unwrap_or_else(|error| unreachable!("a preset is no mapping: {error}"))
}

/// The mapping of a sender format; `None` if the format is no preset.
///
/// ```
/// use hookgate_domain::SenderFormat;
/// use hookgate_senders::preset;
///
/// let mapping = preset(SenderFormat::Pingdom).expect("a preset");
/// assert!(mapping.text().contains("check_name"));
/// assert!(preset(SenderFormat::Alertmanager).is_none());
/// ```
#[must_use]
pub fn preset(format: SenderFormat) -> Option<&'static Mapping> {
    presets! {
        format,
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
}
