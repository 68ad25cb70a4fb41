/* radz-dicom: the only code that sees GDCM. A process that reads requests from its standard input, a socket, and answers
 * there, until the other end is closed. It writes nothing anywhere else. See gdcm_wire.h. */
#include "image/gdcm_wire.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <istream>
#include <memory>
#include <new>
#include <set>
#include <streambuf>
#include <string>
#include <vector>

#include <gdcmImage.h>
#include <gdcmReader.h>
#include <gdcmSequenceOfFragments.h>
#include <gdcmSequenceOfItems.h>
#include <gdcmTrace.h>
#include <gdcmTransferSyntax.h>

namespace {

/* A file in memory as a stream, without a copy. */
class memory_buffer : public std::streambuf {
public:
    memory_buffer(const void *data, size_t size)
    {
        char *begin = const_cast<char *>(static_cast<const char *>(data)); /* only read from */
        setg(begin, begin, begin + size);
    }

protected:
    pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override
    {
        const off_type base = from == std::ios_base::beg ? 0 : from == std::ios_base::cur ? gptr() - eback() : egptr() - eback();
        return seekpos(base + offset, std::ios_base::in);
    }
    pos_type seekpos(pos_type position, std::ios_base::openmode) override
    {
        if (position < 0 || position > egptr() - eback())
            return pos_type(off_type(-1));
        setg(eback(), eback() + off_type(position), egptr());
        return position;
    }
};

const gdcm::Tag PIXEL_DATA(0x7fe0, 0x0010);
const gdcm::Tag MODALITY_LUTS(0x0028, 0x3000), VOI_LUTS(0x0028, 0x3010);
const gdcm::Tag LUT_DESCRIPTOR(0x0028, 0x3002), LUT_DATA(0x0028, 0x3006);

const std::set<gdcm::Tag> wanted = {
    {0x0028, 0x0002}, {0x0028, 0x0004}, {0x0028, 0x0008}, {0x0028, 0x0010}, {0x0028, 0x0011}, {0x0028, 0x0100},
    {0x0028, 0x0101}, {0x0028, 0x0102}, {0x0028, 0x0103}, {0x0028, 0x1050}, {0x0028, 0x1051}, {0x0028, 0x1052},
    {0x0028, 0x1053}, {0x0028, 0x1056}, MODALITY_LUTS,    VOI_LUTS,         PIXEL_DATA,
};

const gdcm::ByteValue *value_of(const gdcm::DataSet &set, const gdcm::Tag &tag)
{
    return set.FindDataElement(tag) ? set.GetDataElement(tag).GetByteValue() : nullptr;
}

void read_text(const gdcm::DataSet &set, const gdcm::Tag &tag, char out[RADZ_DICOM_TEXT_SIZE])
{
    const gdcm::ByteValue *value = value_of(set, tag);
    if (value == nullptr || value->GetLength() == 0)
        return;
    std::string text(value->GetPointer(), value->GetLength());
    text = text.substr(0, text.find_first_of(std::string("\\\0", 2)));
    const size_t begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
    if (begin == std::string::npos)
        return;
    text = text.substr(begin, end - begin + 1);
    const size_t length = text.size() < RADZ_DICOM_TEXT_SIZE ? text.size() : RADZ_DICOM_TEXT_SIZE - 1;
    for (size_t i = 0; i < length; i++)
        out[i] = text[i] >= 32 && text[i] < 127 ? text[i] : '?'; /* it may end up in a message */
    out[length] = '\0';
}

/* i-th 16-bit number of an element (GDCM has brought it into the machine's order); 0 when there is none. */
unsigned number(const gdcm::DataSet &set, const gdcm::Tag &tag, size_t i = 0)
{
    const gdcm::ByteValue *value = value_of(set, tag);
    uint16_t n = 0;
    if (value != nullptr && value->GetLength() >= 2 * (i + 1))
        std::memcpy(&n, value->GetPointer() + 2 * i, 2);
    return n;
}

/* What a reply says instead of RADZ_OK. */
struct failure {
    radz_status status;
    char message[sizeof(radz_dicom_reply::message)];
};

[[noreturn]] void fail(radz_status status, const char *format, ...) RADZ_PRINTF(2, 3);
[[noreturn]] void fail(radz_status status, const char *format, ...)
{
    failure f = {status, ""};
    va_list args;
    va_start(args, format);
    std::vsnprintf(f.message, sizeof f.message, format, args);
    va_end(args);
    throw f;
}

struct opened_file {
    gdcm::File file;
    radz_dicom_facts facts;
    std::vector<uint16_t> tables; /* the entries of the modality LUT, then those of the VOI LUT */
};

/* The first item of a sequence of look-up tables. `signed_input`: how the first input is to be read. */
void read_lut(const gdcm::DataSet &set, const gdcm::Tag &tag, bool signed_input, std::vector<uint16_t> &tables,
              radz_dicom_lut &out)
{
    if (!set.FindDataElement(tag))
        return;
    const gdcm::SmartPointer<gdcm::SequenceOfItems> items = set.GetDataElement(tag).GetValueAsSQ();
    if (!items || items->GetNumberOfItems() == 0)
        return;
    const gdcm::DataSet &item = items->GetItem(1).GetNestedDataSet();
    const gdcm::ByteValue *data = value_of(item, LUT_DATA);
    if (data == nullptr || value_of(item, LUT_DESCRIPTOR) == nullptr)
        return;
    size_t count = number(item, LUT_DESCRIPTOR, 0);
    count = count == 0 ? 65536 : count;
    const unsigned first = number(item, LUT_DESCRIPTOR, 1), bits = number(item, LUT_DESCRIPTOR, 2);
    const gdcm::VR form = item.GetDataElement(LUT_DESCRIPTOR).GetVR();
    if (form == gdcm::VR::SS || form == gdcm::VR::US) /* a file that says it knows best */
        signed_input = form == gdcm::VR::SS;
    std::vector<uint16_t> entries(count);
    if (data->GetLength() >= 2 * count) {
        std::memcpy(entries.data(), data->GetPointer(), 2 * count);
    } else if (data->GetLength() >= count && bits <= 8) { /* two entries to a word */
        for (size_t i = 0; i < count; i++)
            entries[i] = static_cast<unsigned char>(data->GetPointer()[i]);
    } else {
        fail(RADZ_E_FORMAT, "a look-up table of %zu entries, but %u bytes for them", count,
             static_cast<unsigned>(data->GetLength()));
    }
    tables.insert(tables.end(), entries.begin(), entries.end());
    out.count = static_cast<uint32_t>(count);
    out.first = signed_input ? static_cast<int16_t>(first) : static_cast<int32_t>(first);
    out.bits = bits;
}

void read_facts(opened_file &dicom)
{
    const gdcm::DataSet &set = dicom.file.GetDataSet();
    radz_dicom_facts &facts = dicom.facts;
    std::memset(&facts, 0, sizeof facts);
    const gdcm::TransferSyntax &syntax = dicom.file.GetHeader().GetDataSetTransferSyntax();
    const char *uid = syntax.GetString();
    if (uid != nullptr)
        std::strncpy(facts.transfer_syntax, uid, sizeof facts.transfer_syntax - 1);
    facts.lossy = syntax.IsLossy();
    read_text(set, gdcm::Tag(0x0028, 0x0004), facts.photometric);
    facts.samples_per_pixel = number(set, gdcm::Tag(0x0028, 0x0002));
    facts.rows = number(set, gdcm::Tag(0x0028, 0x0010));
    facts.columns = number(set, gdcm::Tag(0x0028, 0x0011));
    facts.bits_allocated = number(set, gdcm::Tag(0x0028, 0x0100));
    facts.bits_stored = number(set, gdcm::Tag(0x0028, 0x0101));
    facts.high_bit = number(set, gdcm::Tag(0x0028, 0x0102));
    facts.is_signed = number(set, gdcm::Tag(0x0028, 0x0103)) == 1;
    read_text(set, gdcm::Tag(0x0028, 0x0008), facts.frames);
    read_text(set, gdcm::Tag(0x0028, 0x1050), facts.centre);
    read_text(set, gdcm::Tag(0x0028, 0x1051), facts.width);
    read_text(set, gdcm::Tag(0x0028, 0x1052), facts.intercept);
    read_text(set, gdcm::Tag(0x0028, 0x1053), facts.slope);
    read_text(set, gdcm::Tag(0x0028, 0x1056), facts.function);
    read_lut(set, MODALITY_LUTS, facts.is_signed, dicom.tables, facts.modality);
    read_lut(set, VOI_LUTS, facts.is_signed || (facts.intercept[0] == '-'), dicom.tables, facts.voi);
    facts.has_pixels = set.FindDataElement(PIXEL_DATA) && !set.GetDataElement(PIXEL_DATA).IsEmpty();
}

std::unique_ptr<opened_file> open_file(const std::vector<char> &data)
{
    std::unique_ptr<opened_file> dicom(new opened_file);
    memory_buffer buffer(data.data(), data.size());
    std::istream stream(&buffer);
    gdcm::Reader reader;
    reader.SetStream(stream);
    if (!reader.ReadSelectedTags(wanted))
        fail(RADZ_E_FORMAT, "damaged DICOM file: GDCM cannot read its elements");
    dicom->file = reader.GetFile();
    read_facts(*dicom);
    return dicom;
}

std::vector<char> read_plain(const radz_dicom_facts &facts, const gdcm::ByteValue &value, size_t bytes)
{
    const size_t length = value.GetLength();
    /* an odd number of bytes is filled up to an even one */
    if (length != bytes && length != bytes + bytes % 2)
        fail(RADZ_E_FORMAT, "pixel data of %zu bytes, but %u x %u pixels of %u bits are %zu bytes", length, facts.columns,
             facts.rows, facts.bits_allocated, bytes);
    return std::vector<char>(value.GetPointer(), value.GetPointer() + bytes);
}

/* What the header of a compressed stream says of itself. */
struct stream_shape {
    unsigned columns, rows, components, bits;
    bool complete; /* it ends as it should */
};

unsigned big16(const unsigned char *p)
{
    return unsigned(p[0]) << 8 | p[1];
}

bool jpeg_shape(const unsigned char *p, size_t size, stream_shape &out)
{
    for (size_t at = 2; at + 4 <= size;) {
        if (p[at] != 0xff)
            return false;
        const unsigned marker = p[at + 1];
        if (marker == 0xff) {
            at++;
            continue;
        }
        const size_t length = big16(p + at + 2);
        const bool frame = (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) ||
                           marker == 0xf7;
        if (frame) {
            if (at + 10 > size)
                return false;
            out.bits = p[at + 4];
            out.rows = big16(p + at + 5);
            out.columns = big16(p + at + 7);
            out.components = p[at + 9];
            return true;
        }
        if (marker == 0xda || length < 2)
            return false;
        at += 2 + length;
    }
    return false;
}

bool jpeg2000_shape(const unsigned char *p, size_t size, stream_shape &out)
{
    if (size < 43 || std::memcmp(p, "\xff\x4f\xff\x51", 4) != 0)
        return false;
    const auto big32 = [p](size_t at) { return big16(p + at) << 16 | big16(p + at + 2); };
    out.columns = big32(8) - big32(16);
    out.rows = big32(12) - big32(20);
    out.components = big16(p + 40);
    out.bits = (p[42] & 0x7fu) + 1;
    return true;
}

/* GDCM trusts the stream more than the attributes and decodes whatever it says: it must be the picture they describe. Returns
 * the bits of a sample of the stream. */
unsigned check_stream(const opened_file &dicom, const std::vector<char> &stream)
{
    const gdcm::TransferSyntax &syntax = dicom.file.GetHeader().GetDataSetTransferSyntax();
    const radz_dicom_facts &facts = dicom.facts;
    const unsigned char *p = reinterpret_cast<const unsigned char *>(stream.data());
    if (syntax == gdcm::TransferSyntax::RLELossless) {
        const unsigned segments = stream.size() >= 64 ? p[0] | unsigned(p[1]) << 8 | unsigned(p[2]) << 16 | unsigned(p[3]) << 24 : 0;
        if (segments != facts.bits_allocated / 8)
            fail(RADZ_E_FORMAT, "damaged RLE stream: %u segments, %u are wanted for %u bits", segments,
                 facts.bits_allocated / 8, facts.bits_allocated);
        return facts.bits_stored;
    }
    stream_shape shape = {};
    const bool jpeg = stream.size() >= 4 && p[0] == 0xff && p[1] == 0xd8;
    if (!(jpeg ? jpeg_shape(p, stream.size(), shape) : jpeg2000_shape(p, stream.size(), shape)))
        fail(RADZ_E_FORMAT, "the pixel data (%zu bytes) is not a JPEG, JPEG-LS or JPEG 2000 stream", stream.size());
    if (shape.columns != facts.columns || shape.rows != facts.rows || shape.components != 1)
        fail(RADZ_E_FORMAT, "the compressed picture has %u x %u pixels of %u components, the attributes say %u x %u of 1",
             shape.columns, shape.rows, shape.components, facts.columns, facts.rows);
    if (shape.bits < 2 || shape.bits > facts.bits_allocated)
        fail(RADZ_E_FORMAT, "the compressed picture has %u bits per sample, the attributes allow %u", shape.bits,
             facts.bits_allocated);
    size_t end = stream.size();
    const auto ends = [p, &end] { return p[end - 2] == 0xff && p[end - 1] == 0xd9; };
    while (end > 4 && !ends() && (p[end - 1] == 0 || p[end - 1] == 0xff)) /* filled up to an even length */
        end--;
    if (!ends())
        fail(RADZ_E_FORMAT, "truncated DICOM file: the compressed picture (%zu bytes) has no end", stream.size());
    return shape.bits;
}

std::vector<char> read_compressed(const opened_file &dicom, const gdcm::SequenceOfFragments &fragments, size_t bytes)
{
    const radz_dicom_facts &facts = dicom.facts;
    std::vector<char> stream(fragments.ComputeByteLength());
    if (stream.empty() || !fragments.GetBuffer(stream.data(), static_cast<unsigned long>(stream.size())))
        fail(RADZ_E_FORMAT, "the pixel data is empty");
    const unsigned bits = check_stream(dicom, stream);

    gdcm::Image image;
    image.SetTransferSyntax(dicom.file.GetHeader().GetDataSetTransferSyntax());
    image.SetNumberOfDimensions(2);
    image.SetDimension(0, facts.columns);
    image.SetDimension(1, facts.rows);
    image.SetPhotometricInterpretation(gdcm::PhotometricInterpretation::MONOCHROME2);
    /* the bits of the stream choose the decoder */
    image.SetPixelFormat(gdcm::PixelFormat(1, static_cast<unsigned short>(facts.bits_allocated),
                                           static_cast<unsigned short>(bits), static_cast<unsigned short>(bits - 1),
                                           facts.is_signed ? 1 : 0));
    gdcm::Fragment whole; /* of one picture: how it was cut into pieces does not matter */
    whole.SetByteValue(stream.data(), gdcm::VL(static_cast<uint32_t>(stream.size())));
    gdcm::SmartPointer<gdcm::SequenceOfFragments> one = new gdcm::SequenceOfFragments;
    one->AddFragment(whole);
    gdcm::DataElement pixels(PIXEL_DATA, 0, gdcm::VR::OB);
    pixels.SetValue(*one);
    image.SetDataElement(pixels);
    std::vector<char> samples(image.GetBufferLength());
    if (samples.size() != bytes || !image.GetBuffer(samples.data()))
        fail(RADZ_E_FORMAT, "damaged DICOM file: GDCM cannot decompress its picture (transfer syntax %s)",
             facts.transfer_syntax);
    return samples;
}

std::vector<char> read_samples(const opened_file &dicom)
{
    const radz_dicom_facts &facts = dicom.facts;
    const gdcm::DataElement &pixels = dicom.file.GetDataSet().GetDataElement(PIXEL_DATA);
    const gdcm::TransferSyntax &syntax = dicom.file.GetHeader().GetDataSetTransferSyntax();
    const gdcm::SequenceOfFragments *fragments = pixels.GetSequenceOfFragments();
    const gdcm::ByteValue *value = pixels.GetByteValue();
    const size_t bytes = size_t(facts.rows) * facts.columns * (facts.bits_allocated / 8);
    if (!syntax.IsEncapsulated() && value != nullptr)
        return read_plain(facts, *value, bytes);
    if (!syntax.IsEncapsulated() || fragments == nullptr)
        fail(RADZ_E_FORMAT, "the pixel data is not stored as transfer syntax %s says", facts.transfer_syntax);
    return read_compressed(dicom, *fragments, bytes);
}

bool receive(void *to, size_t size)
{
    char *at = static_cast<char *>(to);
    while (size > 0) {
        const ssize_t n = recv(0, at, size, 0);
        if (n <= 0)
            return false;
        at += n;
        size -= static_cast<size_t>(n);
    }
    return true;
}

bool send_all(const void *from, size_t size)
{
    const char *at = static_cast<const char *>(from);
    while (size > 0) {
        const ssize_t n = send(0, at, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        size -= static_cast<size_t>(n);
    }
    return true;
}

/* GDCM allocates what a length field says before it looks whether the file has as much. `wanted` is what an honest file can
 * need. */
void limit_memory(size_t wanted)
{
#ifndef __SANITIZE_ADDRESS__ /* it reserves terabytes */
    unsigned long pages = 0;
    FILE *now = std::fopen("/proc/self/statm", "r");
    if (now == nullptr || std::fscanf(now, "%lu", &pages) != 1)
        pages = 0;
    if (now != nullptr)
        std::fclose(now);
    rlimit limit = {};
    if (pages == 0 || getrlimit(RLIMIT_AS, &limit) != 0)
        return;
    const rlim_t most = rlim_t(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + wanted + (rlim_t(64) << 20);
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
    setrlimit(RLIMIT_AS, &limit);
#else
    (void)wanted;
#endif
}

/* One request, its answer. The words of GDCM's exceptions are left out: they may quote the file. */
bool serve(const radz_dicom_request &request, std::vector<char> &data, std::unique_ptr<opened_file> &dicom)
{
    radz_dicom_reply reply = {};
    std::vector<char> samples;
    const void *payload = nullptr;
    reply.version = RADZ_DICOM_WIRE;
    try {
        if (request.version != RADZ_DICOM_WIRE)
            fail(RADZ_E_BACKEND, "radz-dicom is of another build than the program");
        if (request.task == RADZ_DICOM_OPEN) {
            dicom.reset();
            limit_memory(8 * data.size());
            dicom = open_file(data);
            reply.facts = dicom->facts;
            payload = dicom->tables.data();
            reply.size = dicom->tables.size() * sizeof(uint16_t);
        } else {
            if (!dicom || !dicom->facts.has_pixels)
                fail(RADZ_E_INTERNAL, "no picture is open");
            limit_memory((size_t(512) << 20) + 4 * data.size() + 16 * size_t(2) * dicom->facts.rows * dicom->facts.columns);
            samples = read_samples(*dicom);
            payload = samples.data();
            reply.size = samples.size();
        }
    } catch (const failure &f) {
        reply.status = f.status;
        std::memcpy(reply.message, f.message, sizeof reply.message);
    } catch (const std::bad_alloc &) {
        reply.status = RADZ_E_NOMEM;
        std::strcpy(reply.message, "no memory to read the DICOM file");
    } catch (...) {
        reply.status = RADZ_E_FORMAT;
        std::strcpy(reply.message, "damaged DICOM file: GDCM cannot read it");
    }
    if (reply.status != RADZ_OK)
        reply.size = 0;
    return send_all(&reply, sizeof reply) && send_all(payload, reply.size);
}

} // namespace

#ifdef __SANITIZE_ADDRESS__ /* in place of limit_memory */
extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options()
{
    return "max_allocation_size_mb=512:detect_leaks=0"; /* GDCM leaks where it throws */
}
#endif

int main()
{
    /* A process that GDCM brings down must not leave the file behind in a core dump; nor outlive the program. */
    const rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    gdcm::Trace::SetDebug(false); /* these would quote the file */
    gdcm::Trace::SetWarning(false);
    gdcm::Trace::SetError(false);
    radz_dicom_request request;
    std::vector<char> data;
    std::unique_ptr<opened_file> dicom;
    while (receive(&request, sizeof request)) {
        if (request.task == RADZ_DICOM_OPEN) {
            data.resize(request.size);
            if (!receive(data.data(), data.size()))
                break;
        }
        if (!serve(request, data, dicom))
            break;
        if (request.task == RADZ_DICOM_READ)
            dicom.reset(); /* while it waits, it holds nothing */
    }
    return 0;
}
