//! What was at fault with a payload that is on record, for people who look at it later: it is read again, by the same
//! rules.

use hookgate_domain::RefusalCode;
use hookgate_senders::read_payload;

use crate::{DeliveryRecord, Details, Gate, Refusal, Store, StoreError};

impl<S: Store> Gate<S> {
    /// What was at fault with the payload of this delivery; `None` if it was refused for something else, or if its payload
    /// was not kept.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn payload_faults(&self, record: &DeliveryRecord) -> Result<Option<Details>, StoreError> {
        let code = record.summary.answer.code();
        let (Some(payload), Some(RefusalCode::InvalidJson | RefusalCode::ValidationError)) =
            (&record.payload, code)
        else {
            return Ok(None);
        };
        let webhook = self.store.webhook_by_handle(record.summary.webhook).await?;
        Ok(webhook.and_then(|webhook| {
            let fault = read_payload(webhook.format, payload, true).err()?;
            Refusal::from(fault).details
        }))
    }
}
