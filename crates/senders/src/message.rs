//! The result of reading a payload.

use hookgate_domain::draft::{DraftFields, Note, NoteCode};
use hookgate_domain::{ChangeAction, IncidentChange};

use crate::error::PayloadError;

/// Most changes of one delivery. A body of the usual 256 KiB holds about 600 alerts of Alertmanager.
pub const MAX_CHANGES: usize = 1_000;

/// The meaning of a delivery: changes of incidents, and notes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The changes of incidents, in the order of the payload: at most [`MAX_CHANGES`].
    pub changes: Vec<IncidentChange>,
    /// Notes about the delivery as a whole. Each change has notes of its own.
    pub notes: Vec<Note>,
    /// The sender's own ID of the delivery: the same for a retry.
    pub delivery_id: Option<String>,
    /// The kind of message.
    pub kind: MessageKind,
}

/// The kind of message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MessageKind {
    /// Alerts or other events. They may change no incident.
    #[default]
    Alerts,
    /// A test message of a tool. It opens no incident, because no message would ever resolve it.
    Test,
    /// The sender checks the URL before it sends events.
    Handshake(Handshake),
}

/// A check of the URL by the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// The sender expects no more than an answer of success.
    Ping,
    /// Amazon SNS asks to confirm the subscription of a topic by a `GET` of the URL.
    SnsSubscription {
        /// The ARN of the topic.
        topic: String,
        /// The URL to call. It comes from the body, so its host and the signature must be checked before.
        url: String,
    },
}

impl Message {
    /// The message of these changes.
    pub(crate) fn of(changes: Vec<IncidentChange>) -> Self {
        Self {
            changes,
            ..Self::default()
        }
    }

    /// The message of one change.
    ///
    /// # Errors
    /// The fields lack what the action needs.
    pub(crate) fn change(action: ChangeAction, fields: DraftFields<'_>) -> Result<Self, PayloadError> {
        Ok(Self::of(vec![IncidentChange::check(action, fields)?]))
    }

    /// A test message of a tool.
    pub(crate) fn test() -> Self {
        Self {
            notes: vec![Note::new("payload", NoteCode::TestMessage)],
            kind: MessageKind::Test,
            ..Self::default()
        }
    }

    /// An event that neither begins nor ends a problem, with its name.
    pub(crate) fn other_event(name: &str) -> Self {
        let note = Note::word("payload", NoteCode::OtherEvent, name);
        Self {
            notes: vec![note],
            ..Self::default()
        }
    }

    /// A check of the URL.
    pub(crate) fn handshake(handshake: Handshake) -> Self {
        Self {
            kind: MessageKind::Handshake(handshake),
            ..Self::default()
        }
    }
}
