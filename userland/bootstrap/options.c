/* bootstrap/options.c: see options.h. */
#include "options.h"

#include <stdlib.h>
#include <string.h>

/* What follows `@key=`, or NULL if @word is another one. */
static char *
value_of(char *word, const char *key)
{
	size_t length = strlen(key);

	if (strncmp(word, key, length) != 0 || word[length] != '=')
		return NULL;
	return word + length + 1;
}

static void
parse_run(struct options *options, char *value)
{
	size_t count = 0;
	char *rest, *word;

	for (word = strtok_r(value, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		if (count == OPTIONS_RUN_MAX) {
			options->run_too_long = true;
			count = 0;
			break;
		}
		options->run[count++] = word;
	}
	options->run[count] = NULL;
}

static void
parse_archive(struct options *options, char *value)
{
	options->archive = strtoul(value, &value, 16);
	if (*value == ',')
		options->archive_size = strtoul(value + 1, NULL, 16);
}

bool
options_parse(struct options *options, char *argv[])
{
	char *value;

	*options = (struct options){0};
	for (; *argv != NULL; argv++) {
		if ((value = value_of(*argv, "host_priv")) != NULL)
			options->host_priv = (uint32_t)strtoul(value, NULL, 16);
		else if ((value = value_of(*argv, "device_master")) != NULL)
			options->device_master =
			    (uint32_t)strtoul(value, NULL, 16);
		else if ((value = value_of(*argv, "archive")) != NULL)
			parse_archive(options, value);
		else if ((value = value_of(*argv, "run")) != NULL)
			parse_run(options, value);
	}
	return options->host_priv != 0 && options->device_master != 0 &&
	       options->archive != 0 && options->archive_size != 0;
}
