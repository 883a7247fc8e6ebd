//! The gate's port for searches on a [`Database`].

use diesel::{ExpressionMethods, QueryDsl};
use hookgate_domain::{IncidentNumber, WebhookHandle, WebhookName};
use hookgate_gate::{IncidentTitle, PageSize, SearchStore, StoreError, WebhookLabel};

use crate::Database;
use crate::connection::{Connection, RunQueryDsl};
use crate::query_error::CorruptRow;
use crate::rows::{page_start, read_handle};
use crate::schema::{incidents, webhooks};
use crate::webhooks::row::REVOKED;

impl SearchStore for Database {
    async fn webhook_labels(
        &self,
        after: Option<WebhookHandle>,
        size: PageSize,
    ) -> Result<Vec<WebhookLabel>, StoreError> {
        let after = page_start(after);
        let work = move |connection: &mut Connection| {
            let query = webhooks::table
                .filter(webhooks::handle.gt(after))
                .order(webhooks::handle)
                .limit(size.rows().into());
            let rows: Vec<(String, String, String, bool)> = query
                .select((
                    webhooks::handle,
                    webhooks::name,
                    webhooks::hint,
                    webhooks::state.eq(REVOKED),
                ))
                .load(connection)?;
            let labels = rows.into_iter().map(read_label);
            Ok(labels.collect::<Result<_, _>>()?)
        };
        self.read("search webhooks", work).await
    }

    async fn incident_titles(
        &self,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> Result<Vec<IncidentTitle>, StoreError> {
        let before = before.map_or(i64::MAX, IncidentNumber::get);
        let work = move |connection: &mut Connection| {
            let query = incidents::table
                .filter(incidents::number.lt(before))
                .order(incidents::number.desc())
                .limit(size.rows().into());
            let rows: Vec<(i64, String)> = query
                .select((incidents::number, incidents::title))
                .load(connection)?;
            let titles = rows.into_iter().map(|(number, title)| {
                let number = IncidentNumber::new(number)
                    .ok_or_else(|| CorruptRow::at("incidents", number, "number"))?;
                Ok::<_, CorruptRow>(IncidentTitle { number, title })
            });
            Ok(titles.collect::<Result<_, _>>()?)
        };
        self.read("search incidents", work).await
    }
}

fn read_label(
    (handle, name, hint, is_revoked): (String, String, String, bool),
) -> Result<WebhookLabel, CorruptRow> {
    let corrupt = |column| CorruptRow::at("webhooks", &handle, column);
    Ok(WebhookLabel {
        name: WebhookName::from_stored(&name).ok_or_else(|| corrupt("name"))?,
        hint: hint.parse().map_err(|_| corrupt("hint"))?,
        handle: read_handle(&handle)?,
        is_revoked,
    })
}
