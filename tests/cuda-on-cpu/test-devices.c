/* test-devices.c - which of several emulated devices is opened, and what is said of the others. */
#include "../engine/tiny.h"
#include "../test.h"

#include <cuda_runtime_api.h>

static void check_no_device(void)
{
    CodesrcModelOptions options;
    CodesrcError error = {0};
    CodesrcModel *model;

    codesrc_model_options_init(&options);
    cuda_on_cpu_set_devices(0, 0);
    options.device = "cuda";
    CHECK(!codesrc_model_open(tiny_folder(), &options, &error), "a device from nowhere");
    CHECK(error.status == CODESRC_NO_DEVICE && strstr(error.text, "no CUDA-capable device"), "%s",
          error.text);
    options.device = "auto";
    model = codesrc_model_open(tiny_folder(), &options, &error);
    CHECK(model && strcmp(codesrc_model_info(model)->device, "cuda-emulated"), "%s", error.text);
    CHECK(model && strstr(codesrc_model_info(model)->passed_over, "no CUDA-capable device"),
          "it is not told why");
    codesrc_model_unref(model);
    cuda_on_cpu_set_devices(1, 0);
    model = codesrc_model_open(tiny_folder(), &options, &error);
    CHECK(model && !strcmp(codesrc_model_info(model)->device, "cuda-emulated"), "%s", error.text);
    CHECK(model && !*codesrc_model_info(model)->passed_over, "nothing was passed over");
    codesrc_model_unref(model);
}

/* Which of several devices. */
static void check_devices(void)
{
    static const struct {
        int devices, old, wanted, found; /* found -1: none */
        const char *words;
    } cases[] = {
        {3, 0, -1, 0, NULL},
        {3, 0, 2, 2, NULL},
        {3, 1, -1, 1, NULL}, /* the first is too old */
        {3, 1, 0, -1, "7.5 of cuda-device-id 0, expected at least 8.0: CUDA device 0 (emulated 0)"},
        {3, 3, -1, -1, "compute capability 7.5"},
        {3, 0, 3, -1, "cuda-device-id 3, expected 0..2: 3 CUDA devices are here"},
        {1, 0, 7, -1, "cuda-device-id 7, expected 0..0: 1 CUDA device is here"},
    };
    CodesrcModelOptions options;

    codesrc_model_options_init(&options);
    CHECK(options.cuda_device_id == -1, "%d", options.cuda_device_id);
    options.device = "cuda";
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        CodesrcError error = {0};
        CodesrcModel *model;

        cuda_on_cpu_set_devices(cases[i].devices, cases[i].old);
        options.cuda_device_id = cases[i].wanted;
        model = codesrc_model_open(tiny_folder(), &options, &error);
        CHECK(!model == (cases[i].found < 0), "case %u: %s", i, error.text);
        CHECK(!model || cuda_on_cpu_device() == cases[i].found, "case %u: %d", i,
              cuda_on_cpu_device());
        CHECK(model || strstr(error.text, cases[i].words), "case %u: %s", i, error.text);
        CHECK(model || error.status == (cases[i].wanted < cases[i].devices ? CODESRC_NO_DEVICE
                                                                           : CODESRC_SETTINGS),
              "case %u: %d", i, (int)error.status);
        codesrc_model_unref(model);
    }
    cuda_on_cpu_set_devices(1, 0);
}

/* A device for which the build has no code is noticed before anything is put on it. "auto" then
 * does without it, and of several the first one with code is taken. */
static void check_foreign(void)
{
    static const char words[] =
        "device \"cuda\": this build has no code for CUDA device 0 (emulated 0): no kernel image";
    CodesrcModelOptions options;
    CodesrcError error = {0};
    CodesrcModel *model;

    codesrc_model_options_init(&options);
    options.device = "cuda";
    cuda_on_cpu_set_foreign(1);
    CHECK(!codesrc_model_open(tiny_folder(), &options, &error), "a device without code");
    CHECK(error.status == CODESRC_NO_DEVICE && strstr(error.text, words) == error.text, "%s",
          error.text);
    options.device = "auto";
    error.text[0] = '\0';
    model = codesrc_model_open(tiny_folder(), &options, &error);
    CHECK(model && strcmp(codesrc_model_info(model)->device, "cuda-emulated"), "%s", error.text);
    CHECK(model && strstr(codesrc_model_info(model)->passed_over, words), "it is not told why");
    CHECK(!error.text[0], "without an error, %s", error.text);
    codesrc_model_unref(model);
    options.cuda_device_id = 0;
    CHECK(!codesrc_model_open(tiny_folder(), &options, &error) && strstr(error.text, words),
          "a device that was named is passed over");
    options.cuda_device_id = -1;
    cuda_on_cpu_set_devices(3, 0);
    model = codesrc_model_open(tiny_folder(), &options, &error);
    CHECK(model && codesrc_model_info(model)->cuda_device_id == 1, "%s", error.text);
    codesrc_model_unref(model);
    cuda_on_cpu_set_devices(1, 0);
    cuda_on_cpu_set_foreign(0);
}

int main(void)
{
    check_no_device();
    check_devices();
    check_foreign();
    return test_end();
}
