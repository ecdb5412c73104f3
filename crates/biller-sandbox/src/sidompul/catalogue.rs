//! What can be bought: packages, and voucher stock of two brands.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;

use crate::crypto::base64;
use crate::random::Random;

/// Code, name, price in rupiah.
pub(super) const PRODUCTS: [(&str, &str, i64); 26] = [
    ("XC_FLEX_S", "Xtra Combo Flex S", 13_703),
    ("XC_FLEX_SPLUS", "Xtra Combo Flex S+", 24_800),
    ("XC_FLEX_M", "Xtra Combo Flex M", 38_415),
    ("XC_FLEX_MPLUS", "Xtra Combo Flex M+", 52_190),
    ("XC_FLEX_L", "Xtra Combo Flex L", 71_655),
    ("XC_FLEX_XL", "Xtra Combo Flex XL", 98_370),
    ("XC_FLEX_XXL", "Xtra Combo Flex XXL", 137_225),
    ("XTRA_EDUKASI", "Xtra Edukasi 15GB, 30hr", 3_275),
    ("XTRA_CONF_1D", "Xtra Conference 2GB, 1hr", 2_160),
    ("XTRA_CONF_30D", "Xtra Conference 30GB, 30hr", 19_885),
    ("HOTROD_800MB", "Xtra Hotrod 800MB, 30hr", 27_430),
    ("HOTROD_1GB7D", "Xtra Hotrod Special 1.5GB, 7hr", 11_645),
    ("HOTROD_3GB", "Xtra Hotrod 3GB, 30hr", 51_205),
    ("HOTROD_6GB", "Xtra Hotrod 6GB, 30hr", 88_815),
    ("UNL_TURBO_BASIC", "Xtra Unlimited Turbo Basic", 54_315),
    ("UNL_TURBO_STD", "Xtra Unlimited Turbo Standard", 79_065),
    ("UNL_TURBO_PREM", "Xtra Unlimited Turbo Premium", 118_790),
    ("ROAM_ASEAN_3D", "Xtra Roaming ASEAN 3hr", 62_585),
    ("ROAM_ASIA_7D", "Xtra Roaming Asia 7hr", 148_960),
    ("ROAM_WORLD_7D", "Xtra Roaming World 7hr", 250_000),
    ("GAME_FF_5", "Free Fire 5 Diamonds + 100MB", 1_000),
    ("GAME_FF_70", "Free Fire 70 Diamonds + 500MB", 9_355),
    ("GAME_ML_86", "Mobile Legends 86 Diamonds", 20_735),
    ("GAME_PUBG_60", "PUBG Mobile 60 UC", 14_515),
    ("XTRA_KUOTA_YT", "Xtra Kuota Youtube 7GB, 30hr", 16_940),
    ("XTRA_CHAT_7D", "Xtra Kuota Chat 7hr", 4_095),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProductRow {
    product_code: &'static str,
    product_name: &'static str,
    price: i64,
}

/// The product list as it is answered.
pub(super) fn product_rows() -> impl Serialize {
    let rows = PRODUCTS.map(|(product_code, product_name, price)| ProductRow { product_code, product_name, price });
    rows.into_iter().collect::<Vec<_>>()
}

/// Name and price of a product.
pub(super) fn product(code: &str) -> Option<(&'static str, i64)> {
    PRODUCTS.iter().find(|(listed, ..)| *listed == code).map(|(_, name, price)| (*name, *price))
}

/// Whose stock it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Brand {
    /// AXIS.
    Awg,
    /// XL.
    Xwg,
}

/// One kind of voucher in stock.
pub(super) struct StockItem {
    pub v_id: String,
    pub code: &'static str,
    pub description: &'static str,
    pub allow_type: &'static str,
    pub price: i64,
    pub normal_price: i64,
    pub pieces: i64,
    pub expired: bool,
    mini_grosir: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StockRow<'a> {
    v_id: &'a str,
    voucher_type_code: &'static str,
    description: &'static str,
    effective_date: String,
    expiration_date: String,
    voucher_balance: i64,
    voucher_price: i64,
    allow_type: &'static str,
    vou_exp_date: String,
}

type Plan = (&'static str, &'static str, &'static str, i64, i64, i64, bool, bool);

/// Code, description, allowType, price, normal price, pieces, expired, from a mini grosir.
const AWG: [Plan; 7] = [
    (
        "AX-RM580808TK-TSP",
        "Bronet 24Jam 1GB Nat/ 1.5GB BB2.5/ 2GB BOY/ 3GB BBOY 7hr",
        "TRS",
        6_000,
        8_900,
        40,
        false,
        true,
    ),
    ("AX-RM518458-V", "AIGO SS - Bronet Malam 5GB 5hr", "VSFU", 6_150, 9_900, 25, false, false),
    ("AX-RM548858EDU-V", "AIGO Paket Edu Confrence 5GB 5hr", "V", 1_000, 2_900, 60, false, true),
    ("AX-RM593928SSE-T", "AIGO SS 1.5GB BB2.5/1.5GB BOY/2GB BBOY, 5hr", "T", 2_400, 6_300, 30, false, false),
    ("AX-RM601142-TSP", "Bronet 24Jam 2GB, 15hr", "TRS", 11_250, 14_900, 5, false, false),
    ("AX-RM577310-TSP", "Bronet 24Jam 3GB, 30hr", "TRS", 18_700, 22_900, 0, false, false),
    ("AX-RM490021-T", "Bronet Malam 2GB 3hr", "T", 1_850, 3_900, 12, true, true),
];

const XWG: [Plan; 7] = [
    ("XL-WGXHSAE560658R", "Xtra Hotrod Special 1.5GB, 7hr", "RZE", 10_000, 12_900, 35, false, true),
    ("XL-WGXCDYA398328R", "Xtra Combo 2GB+4GB Double Youtube, 30hr", "TRE", 26_300, 29_000, 20, false, false),
    ("XL-WGXCSAC556048R", "Xtra Combo Special 8GB, 30hr", "V", 19_070, 24_900, 50, false, true),
    ("XL-WGXCMAC610033R", "Xtra Combo Mini 3GB, 7hr", "TRE", 7_450, 9_900, 15, false, false),
    ("XL-WGXHSAE560712R", "Xtra Hotrod Special 3GB, 14hr", "RZE", 17_600, 20_900, 5, false, false),
    ("XL-WGXCVIP700115R", "Xtra Combo VIP 10GB, 30hr", "TRE", 41_900, 49_900, 0, false, true),
    ("XL-WGXHOLD410090R", "Xtra Hotrod 500MB, 1hr", "V", 900, 1_900, 9, true, false),
];

/// A brand's stock at first; the voucher ids are drawn from the sandbox seed.
pub(super) fn stock(brand: Brand, seed: u64) -> Vec<StockItem> {
    let (plans, name) = match brand {
        Brand::Awg => (AWG, "sidompul awg"),
        Brand::Xwg => (XWG, "sidompul xwg"),
    };
    let mut random = Random::new(seed, name);
    let mut drawn = plans.map(|_| v_id(&mut random));
    // Both letters that get lost in careless decoding occur in every list.
    while !(drawn[0].contains("%2B") && drawn[0].contains("%2F")) {
        drawn[0] = v_id(&mut random);
    }
    let items = plans.into_iter().zip(drawn);
    items
        .map(|((code, description, allow_type, price, normal_price, pieces, expired, mini_grosir), v_id)| StockItem {
            v_id,
            code,
            description,
            allow_type,
            price,
            normal_price,
            pieces,
            expired,
            mini_grosir,
        })
        .collect()
}

fn v_id(random: &mut Random) -> String {
    let bytes: [u8; 48] = random.bytes();
    base64(&bytes).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// The stock list as it is answered on `today`.
pub(super) fn stock_rows<'a>(items: &'a [StockItem], today: Date, ro_type: Option<&str>) -> impl Serialize + use<'a> {
    let shown = items.iter().filter(|item| ro_type.is_none_or(|wanted| wanted == "MINI-GROSIR" && item.mini_grosir));
    let day = |days: i64| today.saturating_add(days.days()).strftime("%d-%m-%Y").to_string();
    let rows = shown.map(|item| StockRow {
        v_id: &item.v_id,
        voucher_type_code: item.code,
        description: item.description,
        effective_date: day(-90),
        expiration_date: day(if item.expired { -10 } else { 60 }),
        voucher_balance: item.pieces,
        voucher_price: item.price,
        allow_type: item.allow_type,
        vou_exp_date: day(180),
    });
    rows.collect::<Vec<_>>()
}
