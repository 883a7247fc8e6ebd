//! `hookgate addresses`: named sets of addresses, one's own and published ones.

mod input;
mod sets;

use std::path::Path;

use hookgate_domain::address_set::{AddressSet, AddressSetName, NetworkChanges, SetFilter, SetOrigin};
use hookgate_domain::invisible::with_hidden_shown;
use hookgate_domain::networks::{NetworkWarning, network_warnings};
use hookgate_domain::{Allowlist, Networks, Timestamp};
use hookgate_gate::{AddressSetError, AddressStore, DownloadedList, PreviewDays, RefreshOutcome};
use hookgate_outbound::check_list_url;
use hookgate_wire::{self as wire, counted};
use serde_json::json;

use self::input::{document, fetch, joined, parse, read, texts};
use self::sets::{SET_HEADER, set_cells, set_line};
use crate::app::{App, command_line_actor, lists};
use crate::cli::{AddressesCommand, ImportArgs, Options};
use crate::effect::Effect;
use crate::failure::Failure;
use crate::output;
use crate::table::Table;

/// Maximum number of networks of a change in the text output; JSON has all.
const SHOWN: usize = 20;

pub(crate) async fn run(options: &Options, command: AddressesCommand) -> Result<(), Failure> {
    let app = App::open(options).await?;
    let desk = Desk {
        json: options.json,
        app: &app,
    };
    match command {
        AddressesCommand::List => desk.list().await,
        AddressesCommand::Show { name, number } => desk.show(&name, number).await,
        AddressesCommand::Create { name, networks } => desk.create(name, &networks).await,
        AddressesCommand::Edit { name, networks } => desk.edit(&name, &networks).await,
        AddressesCommand::Import(arguments) => desk.import(options, arguments).await,
        AddressesCommand::Refresh { name } => desk.refresh(options, name).await,
        AddressesCommand::Diff { name, file, days } => desk.diff(options, &name, file.as_deref(), days).await,
        AddressesCommand::Approve { name } => desk.decide(&name, true).await,
        AddressesCommand::Reject { name } => desk.decide(&name, false).await,
        AddressesCommand::Remove { name } => {
            app.gate.address_set_remove(&command_line_actor(), &name).await?;
            let said = desk.say(&json!({"name": name.to_string()}), &format!("@{name} is removed"));
            Effect::of(format!("@{name} was removed")).report(said)
        }
    }
}

/// The commands' shared context: the store and the output format.
struct Desk<'a> {
    json: bool,
    app: &'a App,
}

impl Desk<'_> {
    fn now(&self) -> Timestamp {
        self.app.gate.now()
    }

    fn say(&self, object: &serde_json::Value, text: &str) -> Result<(), Failure> {
        let text = if self.json {
            output::json(object)?
        } else {
            text.to_owned()
        };
        Ok(output::line(&text)?)
    }

    async fn list(&self) -> Result<(), Failure> {
        let sets = self.app.gate.store().address_sets().await?;
        let now = self.now();
        let objects: Vec<_> = sets
            .iter()
            .map(|set| output::object(&wire::AddressSet::new(set, now)))
            .collect::<Result<_, _>>()?;
        let table = Table::of(SET_HEADER, &sets, |set| set_cells(set, now));
        output::list(self.json, &objects, &table, None, "address sets")
    }

    async fn show(&self, name: &AddressSetName, version: Option<i64>) -> Result<(), Failure> {
        let gate = &self.app.gate;
        let (set, mut networks) = gate.address_set(name).await?;
        if let Some(version) = version {
            let other = gate.store().address_set_networks(name, version).await?;
            networks = other.ok_or_else(|| Failure::not_found("this version is no longer stored"))?;
        }
        let versions = gate.store().address_set_versions(name).await?;
        let now = self.now();
        if self.json {
            let mut object = output::object(&wire::AddressSetNetworks::new(&set, &networks, now))?;
            let versions = versions.iter().map(wire::AddressSetVersion::from);
            object["versions"] = versions
                .map(|version| output::object(&version))
                .collect::<Result<_, _>>()?;
            return Ok(output::line(&output::json(&object)?)?);
        }
        output::line(&set_line(&set, now))?;
        for version in &versions {
            output::line(&format!(
                "  version {} {} by {} at {}: {}, {} added, {} removed",
                version.number,
                version.state.as_str(),
                with_hidden_shown(&version.made_by),
                wire::time(version.made_at),
                counted(version.networks, "network"),
                version.added,
                version.removed
            ))?;
        }
        let networks = networks.as_slice().iter();
        networks
            .map(ToString::to_string)
            .try_for_each(|network| output::line(&network))?;
        Ok(())
    }

    async fn create(&self, name: AddressSetName, networks: &[Allowlist]) -> Result<(), Failure> {
        let networks = joined(networks)?;
        let gate = &self.app.gate;
        let warnings: Vec<_> = network_warnings(networks.as_slice().iter().copied()).collect();
        let made = gate
            .address_set_create(&command_line_actor(), name, SetOrigin::Own, networks, None)
            .await?;
        Effect::of(format!("@{} was created", made.name))
            .report(self.say_set(&made).and_then(|()| self.warn(&warnings)))
    }

    async fn edit(&self, name: &AddressSetName, networks: &[Allowlist]) -> Result<(), Failure> {
        let networks = joined(networks)?;
        let gate = &self.app.gate;
        let taken = gate
            .address_set_edit(&command_line_actor(), name, None, networks)
            .await?;
        self.say_taken(&taken)
    }

    /// Imports a list. A new list becomes a set; a known one is refreshed, so that a large change waits for approval.
    async fn import(&self, options: &Options, arguments: ImportArgs) -> Result<(), Failure> {
        let gate = &self.app.gate;
        let known = gate.store().address_set_by_name(&arguments.name).await?;
        let filter: SetFilter = texts(&arguments.filter).parse().map_err(Failure::usage)?;
        if let Some(known) = known {
            let given =
                arguments.provider.is_some() || !arguments.filter.is_empty() || arguments.url.is_some();
            let same = matches!(&known.origin, SetOrigin::Published { provider, filter: own, .. }
                if arguments.provider.is_none_or(|given| given == *provider)
                    && (arguments.filter.is_empty() || filter == *own));
            if !same || (given && arguments.url.is_some()) {
                return Err(Failure::refused(
                    "the set of this name has another source; remove it first, or choose another name",
                ));
            }
            let published = match &arguments.file {
                Some(file) => document(file)?,
                None => self.read_published(options, &known).await?,
            };
            let taken = gate
                .address_set_refresh(&command_line_actor(), &known.name, published)
                .await?;
            return self.say_taken(&taken);
        }
        let provider = arguments.provider.ok_or_else(|| {
            Failure::usage("name the provider of the list: --provider list, aws, github, …")
        })?;
        filter.check(provider).map_err(Failure::usage)?;
        let (published, url) = if let Some(file) = &arguments.file {
            (document(file)?, None)
        } else {
            let url = arguments.url.as_deref().or(provider.url());
            let url = url.ok_or_else(|| Failure::usage("give --url or --file"))?;
            check_list_url(url).map_err(Failure::usage)?;
            let published = fetch(&lists(options)?.fetcher()?, url, None).await;
            (published, Some(url.into()))
        };
        let (bytes, etag) = read(published)?;
        let networks = parse(provider, &filter, &bytes)?;
        let origin = SetOrigin::Published {
            provider,
            filter,
            url,
        };
        let made = gate
            .address_set_create(&command_line_actor(), arguments.name, origin, networks, etag)
            .await?;
        Effect::of(format!("@{} was created", made.name)).report(self.say_set(&made))
    }

    async fn refresh(&self, options: &Options, name: Option<AddressSetName>) -> Result<(), Failure> {
        let store = self.app.gate.store();
        let sets = if let Some(name) = name {
            vec![self.app.gate.address_set(&name).await?.0]
        } else {
            let mut sets = store.address_sets().await?;
            sets.retain(|set| set.url().is_some());
            sets
        };
        if let [only] = &sets[..] {
            return self.refresh_one(options, only).await;
        }
        // The other lists are refreshed even if one fails.
        let mut failed = Vec::new();
        for set in &sets {
            if let Err(failure) = self.refresh_one(options, set).await {
                failed.push(format!("@{}: {}", set.name, failure.message()));
            }
        }
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Failure::failed(failed.join("\n")))
        }
    }

    async fn refresh_one(&self, options: &Options, set: &AddressSet) -> Result<(), Failure> {
        let published = self.read_published(options, set).await?;
        let gate = &self.app.gate;
        let taken = gate
            .address_set_refresh(&command_line_actor(), &set.name, published)
            .await?;
        self.say_taken(&taken)?;
        match &taken.set.reading.fault {
            None => Ok(()),
            Some(fault) => Err(Failure::failed(fault)),
        }
    }

    async fn read_published(&self, options: &Options, set: &AddressSet) -> Result<DownloadedList, Failure> {
        let url = set.url().ok_or_else(|| {
            Failure::refused(format!(
                "@{} has no URL to download from; import it with --file",
                set.name
            ))
        })?;
        Ok(fetch(&lists(options)?.fetcher()?, url, set.reading.etag.as_deref()).await)
    }

    /// Prints the changes, and the senders that they affect.
    async fn diff(
        &self,
        options: &Options,
        name: &AddressSetName,
        file: Option<&Path>,
        days: PreviewDays,
    ) -> Result<(), Failure> {
        let gate = &self.app.gate;
        let (set, known) = gate.address_set(name).await?;
        let networks = self.proposed(options, &set, file).await?;
        let networks = networks.unwrap_or_else(|| (*known).clone());
        let changes = NetworkChanges::between(&known, &networks);
        let (all, previews) = gate
            .address_set_preview(&command_line_actor(), name, &networks, days)
            .await?;
        let object = wire::AddressSetPreview::new(all, &previews, days);
        if self.json {
            let mut json = output::object(&wire::AddressSetChange::new(&set, &changes, self.now()))?;
            json["preview"] = output::object(&object)?;
            return Ok(output::line(&output::json(&json)?)?);
        }
        say_changes(&changes)?;
        self.warn(changes.warnings())?;
        for one in &previews {
            let stop = one.preview.would_stop;
            output::line(&format!(
                "{}: {} of {} from the last {} would be refused ({}{})",
                with_hidden_shown(one.webhook.name.as_str()),
                stop.senders,
                counted(one.preview.all_senders, "sender"),
                counted(days.days(), "day"),
                counted(stop.deliveries, "delivery"),
                match one.preview.beyond {
                    0 => String::new(),
                    more => format!("; unknown for {} from other sources", counted(more, "delivery")),
                }
            ))?;
        }
        Ok(output::line(&format!(
            "@{name} is used by {}",
            counted(all, "webhook")
        ))?)
    }

    /// The proposed networks of the set: from a file, else the pending version, else the published list.
    async fn proposed(
        &self,
        options: &Options,
        set: &AddressSet,
        file: Option<&Path>,
    ) -> Result<Option<Networks>, Failure> {
        let SetOrigin::Published { provider, filter, .. } = &set.origin else {
            return Err(Failure::refused(
                "it is a set of your own: it has no published list",
            ));
        };
        let published = match (file, set.pending) {
            (Some(file), _) => document(file)?,
            (None, Some(pending)) => {
                let store = self.app.gate.store();
                let networks = store.address_set_networks(&set.name, pending).await?;
                return Ok(networks.map(|networks| (*networks).clone()));
            }
            (None, None) => self.read_published(options, set).await?,
        };
        if matches!(published, DownloadedList::Unchanged) {
            return Ok(None);
        }
        let (bytes, _) = read(published)?;
        parse(*provider, filter, &bytes).map(Some)
    }

    async fn decide(&self, name: &AddressSetName, approve: bool) -> Result<(), Failure> {
        let gate = &self.app.gate;
        let (set, _) = gate.address_set(name).await?;
        let pending = set.pending.ok_or(AddressSetError::NothingPending)?;
        let decided = gate
            .address_set_decide(&command_line_actor(), name, pending, approve)
            .await?;
        Effect::of(format!("the pending version of @{name} was approved or rejected"))
            .report(self.say_set(&decided))
    }

    fn say_set(&self, set: &AddressSet) -> Result<(), Failure> {
        let now = self.now();
        let object = output::object(&wire::AddressSet::new(set, now))?;
        self.say(&object, &set_line(set, now))
    }

    fn say_taken(&self, taken: &RefreshOutcome) -> Result<(), Failure> {
        Effect::of(format!("@{} was updated", taken.set.name)).report(self.show_taken(taken))
    }

    fn show_taken(&self, taken: &RefreshOutcome) -> Result<(), Failure> {
        let now = self.now();
        if self.json {
            let object = output::object(&wire::AddressSetChange::new(&taken.set, &taken.changes, now))?;
            return Ok(output::line(&output::json(&object)?)?);
        }
        say_changes(&taken.changes)?;
        output::line(&set_line(&taken.set, now))?;
        self.warn(taken.changes.warnings())
    }

    /// Prints warnings for people; the JSON output contains them.
    fn warn(&self, warnings: &[NetworkWarning]) -> Result<(), Failure> {
        let shown = warnings.iter().take(SHOWN).filter(|_| !self.json);
        for warning in shown {
            output::line(&format!("warning: {warning}"))?;
        }
        Ok(())
    }
}

fn say_changes(changes: &NetworkChanges) -> Result<(), Failure> {
    for (sign, networks) in [("+", &changes.added), ("-", &changes.removed)] {
        for network in networks.iter().take(SHOWN) {
            output::line(&format!("{sign} {network}"))?;
        }
        if let Some(more) = networks.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            output::line(&format!("{sign} and {more} more"))?;
        }
    }
    Ok(())
}

impl From<AddressSetError> for Failure {
    fn from(error: AddressSetError) -> Self {
        match error {
            AddressSetError::NotFound => {
                Self::not_found("no such address set; `hookgate addresses list` shows them")
            }
            AddressSetError::Store(error) => error.into(),
            AddressSetError::Filter(_) | AddressSetError::Document(_) | AddressSetError::Empty => {
                Self::usage(error)
            }
            AddressSetError::Changed => Self::failed(error),
            AddressSetError::Forbidden(_)
            | AddressSetError::Exists
            | AddressSetError::TooMany
            | AddressSetError::InUse(_)
            | AddressSetError::Published
            | AddressSetError::NothingPending => Self::refused(error),
        }
    }
}
