//! Reasons for a missing payload.

/// The reason for which a record has no payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPayload {
    /// The body was not read, or not completely.
    Unread,
    /// The webhook does not keep payloads.
    Off,
    /// The payload is older than payloads are kept; or an older version wrote the record.
    Expired,
    /// The viewer may not see payloads.
    Hidden,
    /// The delivery failed its signature: anybody may have sent it.
    Unsigned,
    /// Refusals of the webhook or of the source had used up their bytes, in the queue or of that minute.
    Flood,
    /// The webhook used more space than any other when the store was full.
    Space,
}

impl NoPayload {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Unread,
        Self::Off,
        Self::Expired,
        Self::Hidden,
        Self::Unsigned,
        Self::Flood,
        Self::Space,
    ];

    /// The reason as a word, for instance `unread`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Off => "off",
            Self::Expired => "expired",
            Self::Hidden => "hidden",
            Self::Unsigned => "unsigned",
            Self::Flood => "flood",
            Self::Space => "space",
        }
    }
}
