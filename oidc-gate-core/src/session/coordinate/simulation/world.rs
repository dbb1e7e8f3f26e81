//! A world in virtual time: what happens, in an order that the seed decides.

use super::{
    super::refresh::Without,
    at_provider::Sent,
    book::{Book, Broken, Held},
    browser::Browser,
    dice::Dice,
    log_in::Attempt,
    provider::{self, Provider},
    replica::{Replica, Run},
    request::{Request, Want},
    setting::{Faults, Keeping, Setting},
    store::Store,
    tally::Tally,
    watch::Watches,
};
use crate::{
    client_auth::{Client, Method},
    flow::Flow,
    login::{Refresh, RefreshOf, Refreshed, Registration, SignInRules},
    provider::Metadata,
    session::{
        CookieKeys, CookieNames, RefreshRules, Session, SetCookie, StoreKey, Swap, Tokens,
        coordinate::{News, Redeem, Told},
    },
    time::UnixTime,
    url::{BaseUrl, Issuer},
};
use serde_json::json;
use std::{cmp::Ordering, collections::BinaryHeap, sync::Arc};

/// What all worlds share: it takes time to make.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) keys: CookieKeys,
    pub(super) names: CookieNames,
    /// Under what news stand.
    pub(super) news: StoreKey,
    metadata: Arc<Metadata>,
    registration: Arc<Registration>,
    /// Without userinfo, and with it.
    rules: [Arc<SignInRules>; 2],
}

impl Common {
    pub(super) fn new() -> Self {
        let metadata = json!({
            "issuer": provider::ISSUER,
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "userinfo_endpoint": provider::USERINFO,
            "jwks_uri": "https://id.example/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none"],
        });
        let issuer = Issuer::parse(provider::ISSUER).expect("it is one");
        let metadata = Metadata::parse(metadata.to_string().as_bytes(), &issuer);
        let client = Client::new("app", Method::None);
        let registration = Registration::new(client, "https://app.example/cb", &["openid"]);
        let mut always = SignInRules::default();
        always.claims.source = crate::claims::ClaimsSource::UserinfoAlways;
        let base = BaseUrl::parse("https://app.example").expect("it is one");
        Self {
            keys: CookieKeys::ephemeral(),
            names: CookieNames::derive("app", &base),
            news: News::key(),
            metadata: Arc::new(metadata.expect("it is complete")),
            registration: Arc::new(registration),
            rules: [Arc::default(), Arc::new(always)],
        }
    }
}

/// The flow that really redeems.
#[derive(Debug)]
pub(super) struct Redeemer(pub(super) Common, pub(super) bool);

impl Redeem for Redeemer {
    fn redeem(
        &self,
        session: &Session,
        tokens: &Tokens,
    ) -> Option<Box<dyn Flow<Output = Refreshed> + Send>> {
        let of = RefreshOf {
            token: tokens.refresh.clone()?,
            identity: session.identity().clone(),
            provider_session: session.provider_session().map(Into::into),
            scope: tokens.scope.clone(),
            nonce: tokens.nonce.clone(),
            resources: tokens.resources.clone(),
        };
        let Self(common, userinfo) = self;
        let rules = common.rules[usize::from(*userinfo)].clone();
        let (metadata, registration) = (common.metadata.clone(), common.registration.clone());
        Some(Box::new(Refresh::new(metadata, registration, rules, of)))
    }
}

/// What happens.
#[derive(Debug)]
pub(super) enum Event {
    /// A user does something.
    Burst(usize),
    /// A tab sends a request.
    Send(usize),
    /// A request comes to its replica.
    Arrive(usize),
    /// A request waits no longer.
    Patience(usize),
    /// A response comes to its browser.
    Deliver(usize, Vec<SetCookie>),
    /// The store does what a run has asked for; what it answers is told after so long, if at all.
    Apply {
        run: usize,
        turn: u32,
        operation: Operation,
        answer: Option<u64>,
    },
    /// A request of a run comes to the provider.
    Present {
        run: usize,
        turn: u32,
        request: http::Request<Vec<u8>>,
        deadline: u64,
    },
    /// A run is told something. What answers another turn is dropped, as a connection does that nobody listens to.
    Tell { run: usize, turn: u32, told: Told },
    /// The provider sends a logout.
    LogOut(usize),
    /// A replica reads what others tell.
    Read(usize),
    /// More sessions end at once than anybody can list.
    Many,
    /// An open connection looks after its session.
    Look { watch: usize, turn: u32 },
    /// Nothing goes wrong from now on.
    Heal,
}

#[derive(Debug)]
pub(super) enum Operation {
    Load(StoreKey),
    Swap(Swap),
}

#[derive(Debug)]
struct Due {
    at: u64,
    serial: u64,
    event: Event,
}

/// What is due first is the greatest.
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Due {}

#[derive(Debug)]
pub(super) struct World {
    /// Milliseconds since it began.
    pub(super) now: u64,
    due: BinaryHeap<Due>,
    serial: u64,
    pub(super) dice: Dice,
    pub(super) common: Common,
    pub(super) setting: Setting,
    /// What goes wrong now.
    pub(super) faults: Faults,
    pub(super) store_down: u64,
    /// One that all replicas share, or the memory of each.
    pub(super) stores: Vec<Store>,
    pub(super) provider: Provider,
    pub(super) replicas: Vec<Replica>,
    pub(super) runs: Vec<Option<Run>>,
    pub(super) requests: Vec<Request>,
    pub(super) attempts: Vec<Attempt>,
    /// What the provider has sent.
    pub(super) logouts: Vec<Sent>,
    /// How many sessions there have been at the provider.
    pub(super) sids: usize,
    pub(super) watches: Watches,
    pub(super) browsers: Vec<Browser>,
    pub(super) book: Book,
    pub(super) tally: Tally,
    pub(super) without: Without,
    pub(super) trace: Option<Vec<String>>,
}

/// When everything begins.
const BEGINNING: u64 = 1_700_000_000;

impl World {
    pub(super) fn of(seed: u64, common: &Common, without: Without, traced: bool) -> Self {
        let mut dice = Dice::of(seed);
        let setting = Setting::draw(&mut dice);
        let replicas = setting.clocks.len();
        let stores = match setting.keeping {
            Keeping::Store | Keeping::Coordinated => 1,
            Keeping::Memory => replicas,
        };
        let user = |browser| if setting.one_user { 0 } else { browser };
        let browsers =
            (0..setting.browsers).map(|browser| Browser::new(user(browser), setting.bursts));
        let browsers = browsers.collect();
        let mut world = Self {
            now: 0,
            due: BinaryHeap::new(),
            serial: 0,
            dice,
            common: common.clone(),
            faults: setting.faults.clone(),
            store_down: 0,
            stores: (0..stores).map(|_| Store::default()).collect(),
            provider: Provider::new(setting.rotation, setting.life),
            replicas: (0..replicas).map(|_| Replica::default()).collect(),
            runs: Vec::new(),
            requests: Vec::new(),
            attempts: Vec::new(),
            logouts: Vec::new(),
            sids: 0,
            watches: Watches::default(),
            browsers,
            book: Book::default(),
            tally: Tally::default(),
            without,
            trace: traced.then(Vec::new),
            setting,
        };
        let setting = format!("{:?}", world.setting);
        world.note(|| setting);
        for browser in 0..world.browsers.len() {
            let at = world.dice.below(5_000);
            world.after(at, Event::Burst(browser));
        }
        world
    }

    /// Lets everything happen.
    pub(super) fn run(&mut self) -> Held {
        self.goes_through()?;
        self.tally.redemptions = self.book.redemptions;
        self.tally.exceptions.clone_from(&self.book.exceptions);
        self.check_lists()
    }

    /// Until nothing is left that happens.
    pub(super) fn goes_through(&mut self) -> Held {
        while let Some(Due { at, event, .. }) = self.due.pop() {
            self.now = at;
            self.tally.events += 1;
            self.happens(event)?;
        }
        Ok(())
    }

    pub(super) fn after(&mut self, milliseconds: u64, event: Event) {
        self.serial += 1;
        let (at, serial) = (self.now + milliseconds, self.serial);
        self.due.push(Due { at, serial, event });
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9.3} {}", now as f64 / 1000.0, line()));
        }
    }

    /// What a replica's clock shows.
    pub(super) fn clock(&self, replica: usize) -> UnixTime {
        self.clock_at(replica, self.now)
    }

    /// What it showed then.
    pub(super) fn clock_at(&self, replica: usize, then: u64) -> UnixTime {
        let off = self.setting.clocks[replica];
        UnixTime::from_secs(((BEGINNING * 1000 + then) as i64 + off) as u64 / 1000)
    }

    /// What a clock shows then that is right.
    pub(super) fn at(then: u64) -> UnixTime {
        UnixTime::from_secs(BEGINNING + then / 1000)
    }

    /// When a clock shows this that is right.
    pub(super) fn when(time: UnixTime) -> u64 {
        time.as_secs().saturating_sub(BEGINNING) * 1000
    }

    pub(super) fn rules() -> RefreshRules {
        RefreshRules::default()
    }

    fn happens(&mut self, event: Event) -> Held {
        self.tally.mix(self.now, &event);
        match event {
            Event::Burst(browser) => self.burst(browser),
            Event::Send(request) => self.sent(request),
            Event::Arrive(request) => return self.arrives(request),
            Event::Patience(request) => return self.patience(request),
            Event::Deliver(browser, cookies) => {
                self.note(|| format!("browser {browser} takes {cookies:?}"));
                self.browsers[browser].take(&cookies);
            }
            Event::Apply {
                run,
                turn,
                operation,
                answer,
            } => {
                return self.apply(run, turn, operation, answer);
            }
            Event::Present {
                run,
                turn,
                request,
                deadline,
            } => {
                return self.present(run, turn, &request, deadline);
            }
            Event::Tell { run, turn, told } => return self.tell(run, turn, told),
            Event::LogOut(logout) => return self.sends_logout(logout),
            Event::Read(replica) => return self.news(replica),
            Event::Many => return self.tells_of_many(),
            Event::Look { watch, turn } => return self.looks(watch, turn),
            Event::Heal => {
                self.note(|| "nothing goes wrong any more".into());
                self.faults = Faults::default();
                self.store_down = 0;
            }
        }
        Ok(())
    }

    /// A user opens some tabs, signs out, or logs in anew.
    fn burst(&mut self, browser: usize) {
        let left = self.browsers[browser].bursts;
        if left == 0 {
            return;
        }
        self.browsers[browser].bursts -= 1;
        if self.dice.chance(self.faults.store_down) {
            let long = self.dice.pick(&[5_000, 40_000, 400_000]);
            self.store_down = self.now + long;
            self.note(|| format!("the store is down for {long} ms"));
        }
        if self.dice.chance(self.faults.revoked) {
            let user = self.browsers[browser].user;
            self.provider.revoke(user);
            self.note(|| format!("user {user} is revoked"));
        }
        self.elsewhere(browser);
        if self.dice.chance(30) {
            // Somebody else sits down.
            let user = self.browsers[browser].user % 10;
            self.browsers[browser].user = user + 10 * self.dice.between(1, 3) as usize;
            self.sends(browser, Want::LogIn);
        } else if self.dice.chance(30) {
            self.sends(browser, Want::SignOut);
        } else if self.dice.chance(self.setting.step_ups) {
            self.sends(browser, Want::StepUp);
        } else if !self.browsers[browser].has_cookies() || self.dice.chance(30) {
            self.sends(browser, Want::LogIn);
        }
        let together = self.dice.chance(500);
        for _ in 0..self.dice.between(1, 4) {
            let want = if self.dice.chance(150) {
                Want::Poll
            } else {
                Want::Use
            };
            let spread = if together { 0 } else { 3_000 };
            self.sends_later(browser, want, spread);
        }
        let life = self.setting.life * 1000;
        let pause = match self.dice.below(6) {
            0 => self.dice.between(200, 5_000),
            // About when it has to be refreshed.
            1..=3 => life - 40_000 + self.dice.below(35_000),
            4 => life + self.dice.below(life),
            _ => self.dice.between(1_000, 90_000),
        };
        if left > 1 {
            self.after(pause, Event::Burst(browser));
        } else if self.browsers.iter().all(|browser| browser.bursts == 0) {
            self.heals();
        }
    }

    /// What the provider and other processes do meanwhile.
    fn elsewhere(&mut self, browser: usize) {
        if self.dice.chance(self.setting.logouts) {
            let after = self.dice.below(20_000);
            self.provider_ends(browser, after);
        }
        if self.dice.chance(self.setting.pauses) {
            self.pauses();
        }
    }

    /// Everything heals, and every browser comes a few times more.
    fn heals(&mut self) {
        let at = self.dice.below(40_000);
        self.after(at, Event::Heal);
        for (after, want) in [
            (1_000, Want::Use),
            (66_000, Want::Use),
            (130_000, Want::Use),
            (200_000, Want::Use),
            (270_000, Want::Check),
        ] {
            for browser in 0..self.browsers.len() {
                self.sends_at(at + after, browser, want);
            }
        }
    }
}

/// What came of a world.
pub(super) fn run(
    seed: u64,
    common: &Common,
    without: Without,
    traced: bool,
) -> (Result<Tally, Broken>, Vec<String>) {
    let mut world = World::of(seed, common, without, traced);
    let held = world.run();
    (held.map(|()| world.tally), world.trace.unwrap_or_default())
}
