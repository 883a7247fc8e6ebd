//! The settings of a webhook for its format.

use crate::mapping::Mapping;

/// The settings of a webhook for its format. Formats that have no such setting ignore it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormatOptions {
    /// The incidents of a group of alerts.
    pub grouping: Grouping,
    /// Reads from colours and words of a message for people whether a problem is over. A message that says so by accident
    /// would resolve an incident, so this is off by default.
    pub guess_status: bool,
    /// The mapping of the format `json`.
    pub mapping: Option<Mapping>,
}

/// The incidents of a group of alerts, as Alertmanager and Grafana send them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// One incident for each alert. Each is resolved on its own.
    #[default]
    PerAlert,
    /// One incident for each group. It is resolved with the last alert of the group.
    PerGroup,
}
