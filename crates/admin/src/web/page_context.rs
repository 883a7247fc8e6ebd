//! The context of a page: the member, the request, and the console.

use hookgate_domain::policy::SealedSecret;
use hookgate_domain::{RequestId, Timestamp};
use hookgate_gate::{Gate, LogInterval, PeopleStore, Store, StoreError};
use hookgate_pages::{FailedSignIns, Flash, FlashKind, Shell};
use hyper::header::HeaderName;

use super::flash;
use crate::console::Console;
use crate::signed_in::SignedIn;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, Fields, cookie};

/// Log interval for pages that get no key because randomness is unavailable.
static NO_KEY: LogInterval = LogInterval::new();

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const FRAGMENT: HeaderName = HeaderName::from_static("x-fragment");

/// Request ID and time of receipt.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) id: RequestId,
    pub(super) now: Timestamp,
}

impl Arrival {
    pub(super) fn of(request: &AdminRequest) -> Self {
        Self {
            id: request.id,
            now: request.now,
        }
    }
}

/// Context of a page: the member, the request, and the console.
pub(super) struct PageContext<'a, S> {
    pub(super) console: &'a Console<S>,
    pub(super) signed_in: SignedIn,
    pub(super) now: Timestamp,
    pub(super) id: RequestId,
    pub(super) path: String,
    pub(super) query: String,
    /// The key of this page's forms, see [`PAGE_KEY`](crate::signed_in::PAGE_KEY).
    pub(super) page_key: String,
    /// Sealed secrets that this page may show, from the browser's cookie.
    pub(super) sealed: Option<SealedSecret>,
    /// Notices above the page.
    pub(super) notices: Vec<String>,
    /// `Last-Event-ID`: the last event that a reconnecting live view has received.
    pub(super) last_event: Option<String>,
    /// `true` if the script asks for only a part of the page.
    pub(super) fragment: bool,
}

impl<'a, S: Store + PeopleStore> PageContext<'a, S> {
    pub(super) fn new(
        console: &'a Console<S>,
        signed_in: SignedIn,
        request: &AdminRequest,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            path: request.head.uri.path().to_owned(),
            query: request.query_text().to_owned(),
            sealed: cookie::shown_once(&request.head.headers),
            last_event: request.header(&LAST_EVENT_ID).map(str::to_owned),
            fragment: request.header(&FRAGMENT).is_some(),
            ..Self::arrived(console, signed_in, Arrival::of(request))?
        })
    }

    /// Creates the context for a member who has just signed in, without anything from the request but its ID and
    /// time.
    pub(super) fn arrived(
        console: &'a Console<S>,
        signed_in: SignedIn,
        arrival: Arrival,
    ) -> Result<Self, ApiError> {
        let page_key = console.gate.form_key().map_err(|error| {
            if let Some(left_out) = NO_KEY.line() {
                tracing::error!(%error, left_out, "a page can't have a key for its forms");
            }
            ErrorCode::Internal
        })?;
        Ok(Self {
            console,
            signed_in,
            now: arrival.now,
            id: arrival.id,
            path: String::new(),
            query: String::new(),
            page_key,
            sealed: None,
            notices: Vec::new(),
            last_event: None,
            fragment: false,
        })
    }

    pub(super) fn gate(&self) -> &Gate<S> {
        &self.console.gate
    }

    /// The value of `done`, with which a redirect names the last act.
    pub(super) fn done(&self) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix("done="))
    }

    /// Adds a notice about failed sign-ins with the member's name, if there were any. If they can't be read, the page
    /// is shown without the notice.
    pub(super) async fn add_failed_sign_in_notice(&mut self) {
        match self.failed_sign_ins().await {
            Ok(failed) => self.notices.extend(failed.map(|failed| failed.text())),
            Err(error) => tracing::warn!(%error, "failed sign-ins can't be looked up"),
        }
    }

    /// Failed sign-ins with the member's name since the sign-in before this session, if there were any.
    pub(super) async fn failed_sign_ins(&self) -> Result<Option<FailedSignIns>, StoreError> {
        let session = &self.signed_in.session;
        let store = self.gate().store();
        let failed = store.failed_sign_ins(session.member, session.id).await?;
        Ok(failed.map(|failed| FailedSignIns {
            count: failed.count,
            last_at: failed.last_at,
            last_from: failed.last_from,
        }))
    }

    /// The page frame: member, role, form keys and flash.
    pub(super) fn shell(&self) -> Shell {
        let flash = if self.notices.is_empty() {
            self.done().and_then(flash::flash_text).map(|text| Flash {
                kind: FlashKind::Done,
                text: text.into(),
            })
        } else {
            Some(Flash {
                kind: FlashKind::Failed,
                text: self.notices.join(" ").into(),
            })
        };
        Shell {
            user: self.signed_in.member.name.as_str().into(),
            role: self.signed_in.member.role.as_str().to_owned(),
            organization: "default".into(),
            csrf: self.signed_in.form_token.clone(),
            once: self.page_key.clone(),
            now: self.now,
            flash,
        }
    }

    /// Parses the parameters in `known`. Others are dropped.
    pub(super) fn fields(&self, known: &[&str]) -> Result<Fields<'_>, ApiError> {
        Fields::of_page(self.query.as_bytes(), known)
    }
}
