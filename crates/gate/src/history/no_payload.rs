//! Why a record has no payload.

/// Why there is no payload on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPayload {
    /// Nothing of it was read, or not all.
    Unread,
    /// The webhook does not keep payloads.
    Off,
    /// It is older than payloads are kept; or an older version wrote the record.
    Expired,
    /// Who asks may not see payloads.
    Hidden,
    /// The delivery failed its signature: anybody may have sent it.
    Unsigned,
    /// The webhook refused more in that minute than is kept.
    Flood,
    /// The webhook held more than any other when the store was full.
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
