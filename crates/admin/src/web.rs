//! The console's pages: sessions, routing, and redirects after forms.
//!
//! Every page needs a session, except the sign-in page and sign-in links. A form is accepted only from a page of the
//! same session, and answered with a redirect, so that reloading repeats nothing. A form that creates something does
//! so only once (`once`). A form that is sent without its session is shown again with its values (`restore`).

mod account;
mod address_sets;
mod allowlist_preview;
mod answers;
mod audit;
mod confirm;
mod conflict;
mod deliveries;
mod edit;
mod enforce;
mod failed;
mod flash;
mod incidents;
mod list_forms;
mod members;
mod models;
mod next_path;
mod once;
mod page_context;
mod page_query;
mod payload_faults;
mod restore;
mod router;
mod search;
mod session;
mod sign_in;
mod sign_in_link;
#[cfg(test)]
mod tests;
mod tokens;
mod webhook;
mod webhook_form;
mod webhook_lifecycle;
mod webhooks;

pub(crate) use router::{answer, misdirected};
