/** Chooses the names and the home repos of a window's workers. */

/** Names for workers that have no name in the spec, from mythology and alchemy. burn uses them in this order. */
const registry = `
AZOTH ALBEDO CITRINITAS RUBEDO SULPHUR MERCURIUS SAL ATHANOR VITRIOL SATURN JUPITER MARS EARTH SOL RAZIEL AZRAEL CASSIEL METATRON SANDALPHON BINAH
CHOKMAH KETER ALDEBARAN RIGEL SIRIUS POLARIS HAMMER ANVIL ADZE PICK TONGS WRENCH SCREWDRIVER BOLT SAW TRAP HOOK MAGNET SPARK FLAME TESLA HERMES
GANDALF DAVINCI ARCHIMEDES TURING AURELIUS SOLOMON
ARIADNE DAEDALUS ICARUS PERSEUS ANDROMEDA CASSIOPEIA CEPHEUS ORION ATALANTA MELEAGER JASON MEDEA CIRCE CALYPSO ODYSSEUS PENELOPE TELEMACHUS NESTOR AJAX
ACHILLES PATROCLUS HECTOR PARIS HELEN CASSANDRA PRIAM AENEAS DIDO TURNUS CAMILLA HERACLES IOLAUS THESEUS PIRITHOUS CASTOR POLLUX LEDA CHIRON PHOLUS
ORPHEUS EURYDICE LINUS AMPHION ZETHUS CADMUS HARMONIA OEDIPUS ANTIGONE ISMENE CREON TIRESIAS MELAMPUS SISYPHUS TANTALUS IXION BELLEROPHON PEGASUS
PROMETHEUS EPIMETHEUS PANDORA ATLAS MAIA ELECTRA TAYGETE ALCYONE CELAENO STEROPE MEROPE HYPERION THEIA RHEA THEMIS MNEMOSYNE PHOEBE TETHYS OCEANUS
CRONUS COEUS CRIUS IAPETUS CLIO EUTERPE THALIA MELPOMENE TERPSICHORE ERATO POLYHYMNIA URANIA CALLIOPE ATHENA APOLLO ARTEMIS HEPHAESTUS HESTIA DEMETER
PERSEPHONE HECATE NEMESIS TYCHE NIKE IRIS EOS SELENE HELIOS BOREAS ZEPHYRUS NOTUS EURUS AEOLUS PROTEUS TRITON NEREUS GALATEA THETIS ARETHUSA ALPHEUS
JANUS VESTA CERES MINERVA VULCAN DIANA FAUNUS POMONA VERTUMNUS QUIRINUS ROMULUS REMUS NUMA EGERIA AURORA LUNA TELLUS CONSUS PALES FLORA
ODIN THOR FREYA FREYR TYR BALDUR HEIMDALL BRAGI IDUN NJORD SKADI ULLR FORSETI HOENIR MIMIR KVASIR LOKI SIGYN FRIGG NANNA SIF VIDAR VALI HODR HERMOD
MAGNI MODI GEFJON EIR SAGA FULLA GNA SNOTRA HUGIN MUNIN SLEIPNIR RATATOSKR YMIR AUDHUMLA BURI BESTLA BOLTHORN SURTR HYMIR SKRYMIR BROKKR EITRI DVALIN
SIGURD BRYNHILD GUDRUN REGIN FAFNIR WAYLAND BEOWULF HROTHGAR WIGLAF EGIL SKALLAGRIM STARKAD HERVOR ANGANTYR RAGNAR LAGERTHA ASLAUG
LUGH NUADA DAGDA BRIGID OGMA GOIBNIU CREDNE LUCHTA DIANCECHT AIRMED MIACH MANANNAN AENGUS ETAIN MIDIR BOANN ELCMAR FINN OISIN OSCAR DIARMUID GRAINNE
CAILTE CUCHULAINN EMER SCATHACH AIFE CONCHOBAR FERGUS DEIRDRE NAOISE AMERGIN ERIU BANBA FODLA LIR FIONNUALA PWYLL RHIANNON PRYDERI BRANWEN BENDIGEIDFRAN
MANAWYDAN MATH GWYDION ARIANRHOD LLEU BLODEUWEDD CERIDWEN TALIESIN CULHWCH OLWEN MABON MODRON PEREDUR OWAIN GERAINT ENID ARTHUR MERLIN NIMUE MORGAN
GAWAIN PERCIVAL GALAHAD BORS BEDIVERE KAY TRISTAN ISOLDE PALAMEDES LANCELOT ELAINE UTHER IGRAINE
RA THOTH MAAT PTAH SESHAT ANUBIS HORUS ISIS OSIRIS NEPHTHYS SETH HATHOR BASTET SEKHMET SOBEK KHNUM KHONSU AMUN MUT TEFNUT SHU GEB NUT NEITH BES
TAWERET IMHOTEP KHEPRI ATUM WADJET NEKHBET HAPI MESKHENET RENENUTET SERKET SOKAR WEPWAWET
ANU ENLIL ENKI INANNA UTU NANNAR NINHURSAG NINURTA NERGAL ERESHKIGAL DUMUZI GESHTINANNA NISABA NINSHUBUR GILGAMESH ENKIDU SHAMHAT SIDURI URSHANABI
UTNAPISHTIM HUMBABA LUGALBANDA ENMERKAR ADAPA ETANA ZIUSUDRA MARDUK NABU ASHUR ISHTAR TAMMUZ ADAD SHAMASH SIN ERRA ANZU APSU TIAMAT KINGU
MITHRA ANAHITA RASHNU SRAOSHA VERETHRAGNA TISHTRYA RUSTAM SOHRAB ZAL SIMURGH JAMSHID FEREYDUN KAVEH ARASH SIAVASH RAKHSH TAHMINEH
INDRA AGNI VAYU VARUNA SURYA USHAS SOMA RUDRA BRIHASPATI VISHVAKARMA TVASHTRI SARASWATI LAKSHMI PARVATI GANESHA KARTIKEYA HANUMAN RAMA SITA
LAKSHMANA SUGRIVA JATAYU ARJUNA BHIMA YUDHISHTHIRA NAKULA SAHADEVA DRAUPADI KARNA BHISHMA DRONA ABHIMANYU VIDURA SANJAYA VYASA VALMIKI NARADA AGASTYA
VASISHTHA GARUDA NANDI MANU
FUXI NUWA SHENNONG HUANGDI YANDI LEIZU CANGJIE DAYU HOUYI CHANGE WUKONG NEZHA ERLANG JINGWEI KUAFU PANGU ZHURONG GONGGONG LEIGONG XIHE BAIZE QILIN
AMATERASU TSUKUYOMI SUSANOO IZANAGI IZANAMI INARI HACHIMAN BENZAITEN EBISU DAIKOKU BISHAMON HOTEI JUROJIN FUKUROKUJU OMOIKANE UZUME NINIGI YAMATO
JIMMU KINTARO MOMOTARO URASHIMA TENGU KAPPA RAIJIN FUJIN
VAINAMOINEN ILMARINEN LEMMINKAINEN LOUHI KULLERVO AINO UKKO TAPIO MIELIKKI AHTI ILMATAR SAMPO KALEVIPOEG LINDA PERUN VELES SVAROG DAZHBOG STRIBOG MOKOSH
LADA YARILO SVETOVIT DOBRYNYA ALYOSHA ILYA SADKO VASILISA KOSCHEI ZORYA PERKUNAS LAIMA ZEMYNA SAULE MENUO JURATE
QUETZALCOATL TLALOC XOCHIPILLI CENTEOTL CHALCHIUH TEZCATLIPOCA XOLOTL ITZAMNA IXCHEL KUKULKAN CHAAC HUNAHPU XBALANQUE VIRACOCHA INTI QUILLA ILLAPA
PACHAMAMA MANCO OCLLO SUPAY KON PARIACACA
ANANSI NYAME ORUNMILA OGUN OSHUN YEMOJA SHANGO OBATALA ESHU OYA OLOKUN SUNDIATA MWINDO KINTU NAMBI LIYONGO MAUI TANE TANGAROA RONGO TU HINA PELE
KANALOA LONO KU TAWHAKI RANGI PAPA RAVEN COYOTE SEDNA GLUSKAP NANABOZHO
HIRAM ZOSIMOS MARIA HYPATIA AVICENNA GEBER RHAZES LULL FLAMEL PARACELSUS BOEHME KHUNRATH MAIER FLUDD VAUGHAN STARKEY OUROBOROS ALEMBIC RETORT CUCURBIT
CALCINATOR ALKAHEST ELIXIR TINCTURE QUICKSILVER ANTIMONY CINNABAR ORPIMENT REALGAR MARCASITE NIGREDO CAUDA PELICAN PHOENIX SALAMANDER SYLPH UNDINE
`

/** All names of the registry, each once. */
export const names: readonly string[] = [...new Set(registry.split(/\s+/).filter((name) => name !== ''))]

/** Returns the name at an index of the registry. After the end of the registry the names repeat with a number, such as `AZOTH2`. */
export function nameAt(index: number): string {
  const name = names[index % names.length]!
  return index < names.length ? name : `${name}${Math.floor(index / names.length) + 1}`
}

/** A worker in the ledger. `id` is `machine/WINDOW/NAME`; `drawn` is true if burn chose the name from the registry. */
export interface KnownWorker {
  readonly id: string
  readonly drawn: boolean
}

/**
 * Returns the names of the workers in a window: first the names in the spec (`written`), then those that burn chose earlier (`known`,
 * oldest first). It takes further names from the registry, from an index that `seed` determines. It skips names in `used`: those that a
 * worker of the fleet has or had. It adds the new names to `used`. So a worker keeps its name if other workers come or go, and a smaller
 * window loses its newest names first.
 */
export function drawNames(
  { written, panes, known }: { readonly written: readonly string[]; readonly panes: number; readonly known: readonly string[] },
  used: Set<string>,
  seed: string,
): string[] {
  const missing = Math.max(0, panes - written.length)
  const drawn = known.filter((name) => !written.includes(name)).slice(0, missing)
  for (let index = hashOf(seed) % names.length; drawn.length < missing; index++) {
    const name = nameAt(index)
    if (used.has(name)) continue
    used.add(name)
    drawn.push(name)
  }
  return [...written, ...drawn]
}

/** Returns the names that burn chose for a window earlier, oldest first. */
export function knownNames(known: readonly KnownWorker[], machine: string, window: string): string[] {
  const prefix = `${machine}/${window}/`
  return known.filter(({ id, drawn }) => drawn && id.startsWith(prefix)).map(({ id }) => id.slice(prefix.length))
}

/** Returns a hash of a string, below 2^32: FNV-1a with a final mix, so that similar strings get very different hashes. */
export function hashOf(text: string): number {
  let hash = 2_166_136_261
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619)
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519)
  hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_917)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Returns a map from the name of each worker to its home repo. It spreads the workers over the repos as evenly as possible. The choice
 * depends on the names of workers, not on their panes. So most workers keep their home repo, about which their agents have context, if
 * other workers come or go.
 */
export function spreadHomes(workers: readonly string[], repos: readonly string[]): ReadonlyMap<string, string> {
  const room = Math.floor(workers.length / repos.length)
  let extra = workers.length % repos.length
  const homes = new Map<string, string>()
  const counts = new Map<string, number>()
  const pairs = workers.flatMap((worker) => repos.map((repo) => ({ worker, repo, rank: hashOf(`${worker} ${repo}`) })))
  for (const { worker, repo } of pairs.sort((a, b) => a.rank - b.rank)) {
    const count = counts.get(repo) ?? 0
    if (homes.has(worker) || count > room || (count === room && extra === 0)) continue
    if (count === room) extra -= 1
    homes.set(worker, repo)
    counts.set(repo, count + 1)
  }
  return homes
}
